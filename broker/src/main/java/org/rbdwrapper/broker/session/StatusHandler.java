package org.rbdwrapper.broker.session;

import org.rbdwrapper.broker.Lane;
import org.rbdwrapper.broker.Workers;
import org.rbdwrapper.broker.messenger.FlowControl;
import org.rbdwrapper.broker.watch.Watchdog;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;

/** Answers who is there and what the broker does. Conductor's thread. */
final class StatusHandler {
    private final Conductor conductor;
    private final Supplier<BrokerStatus> status;
    private final MessengerStatuses messengers;
    private final SessionLimits limits;
    private final FlowControl flows;
    private final SegmentKeeper segments;
    private final Workers workers;
    private final Watchdog watchdog;

    StatusHandler(
            Conductor conductor,
            Supplier<BrokerStatus> status,
            MessengerStatuses messengers,
            SessionLimits limits,
            FlowControl flows,
            SegmentKeeper segments,
            Workers workers,
            Watchdog watchdog) {
        this.conductor = conductor;
        this.status = status;
        this.messengers = messengers;
        this.limits = limits;
        this.flows = flows;
        this.segments = segments;
        this.workers = workers;
        this.watchdog = watchdog;
    }

    void onListClients(Reply reply) {
        reply.send(ControlProxy.clients(reply.correlationId(), conductor.sessions()));
    }

    void onDescribeBroker(Reply reply) {
        reply.send(ControlProxy.brokerDescription(reply.correlationId(), status.get()));
    }

    void onListLimits(Reply reply) {
        List<ResourceUse> uses = new ArrayList<>(limits.uses());
        uses.add(
                new ResourceUse(
                        "in_flight_bytes", flows.bytes(), flows.maxBytes(), flows.maxUserBytes()));
        uses.add(
                new ResourceUse(
                        "changed_objects",
                        flows.objects(),
                        flows.maxObjects(),
                        flows.maxUserObjects()));
        uses.add(
                new ResourceUse(
                        "control_millis",
                        conductor.workedMillis(),
                        1000,
                        Math.round(1000 * ControlTurns.SHARE)));
        uses.add(
                new ResourceUse(
                        "granted_bytes",
                        segments.grantedBytes(),
                        limits.limit(Resource.MEMORY),
                        SegmentKeeper.BYTES_PER_SECOND));
        uses.add(
                new ResourceUse(
                        "pool_calls",
                        workers.callsOfBusiestPool(),
                        Lane.STORE_THREADS,
                        Lane.STORE_THREADS_PER_USER));
        reply.send(ControlProxy.limits(reply.correlationId(), uses));
    }

    void onListStalls(Reply reply) {
        reply.send(ControlProxy.stalls(reply.correlationId(), watchdog.stalls()));
    }

    void onListMessengers(Reply reply) {
        reply.send(ControlProxy.messengers(reply.correlationId(), messengers.now()));
    }
}
