package org.rbdwrapper.broker.session;

import java.util.function.Supplier;

/** Answers who is there and what the broker does. Conductor's thread. */
final class StatusHandler {
    private final Conductor conductor;
    private final Supplier<BrokerStatus> status;

    StatusHandler(Conductor conductor, Supplier<BrokerStatus> status) {
        this.conductor = conductor;
        this.status = status;
    }

    void onListClients(Reply reply) {
        reply.send(ControlProxy.clients(reply.correlationId(), conductor.sessions()));
    }

    void onDescribeBroker(Reply reply) {
        reply.send(ControlProxy.brokerDescription(reply.correlationId(), status.get()));
    }
}
