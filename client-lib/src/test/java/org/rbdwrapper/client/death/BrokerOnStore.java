package org.rbdwrapper.client.death;

import org.rbdwrapper.broker.Broker;
import org.rbdwrapper.broker.BrokerOptions;
import org.rbdwrapper.broker.ClientLimits;
import org.rbdwrapper.broker.messenger.MessengerPolicy;
import org.rbdwrapper.broker.store.ImageStore;
import org.rbdwrapper.broker.store.StoreSpec;

import java.nio.file.Path;

/**
 * What a program does that is a broker with a store of the tests.
 *
 * <p>Arguments: as {@code rbdwrapper-broker start --foreground --run-dir D --state-dir D}.
 */
final class BrokerOnStore {
    private BrokerOnStore() {}

    /** Made of the state directory. */
    @FunctionalInterface
    interface StoreMaker {
        ImageStore open(Path stateDir) throws Exception;
    }

    /** Serves until the process is told to end. */
    static void serve(String[] args, StoreMaker store) throws Exception {
        Path stateDir = Path.of(args[5]);
        Broker broker =
                Broker.start(
                        new BrokerOptions(
                                Path.of(args[3]),
                                stateDir,
                                StoreSpec.parse("file"),
                                "admin",
                                MessengerPolicy.PER_CLIENT,
                                2,
                                ClientLimits.defaults(),
                                BrokerOptions.DEFAULT_HELLO_TIMEOUT_NANOS),
                        store.open(stateDir));
        Runtime.getRuntime()
                .addShutdownHook(Thread.ofPlatform().name("stop").unstarted(broker::close));
        System.out.println("ready");
        Thread.sleep(Long.MAX_VALUE);
    }
}
