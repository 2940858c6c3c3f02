package org.rbdwrapper.client.hostile.siege;

import org.rbdwrapper.broker.Broker;
import org.rbdwrapper.broker.BrokerOptions;
import org.rbdwrapper.broker.ClientLimits;
import org.rbdwrapper.broker.StateDirectory;
import org.rbdwrapper.broker.messenger.MessengerPolicy;
import org.rbdwrapper.broker.store.ImageStore;
import org.rbdwrapper.broker.store.StoreSpec;
import org.rbdwrapper.broker.store.Stores;

import java.nio.file.Path;

/**
 * A broker with the default limits, on a {@link BesiegedStore}.
 *
 * <p>Arguments: run directory, state directory, the store as {@code --store} has it, the Ceph
 * client's id, the file by which a pool is sick.
 */
final class BesiegedBroker {
    private static final int MESSENGERS = 2;

    private BesiegedBroker() {}

    public static void main(String[] args) throws Exception {
        BrokerOptions options =
                new BrokerOptions(
                        Path.of(args[0]),
                        Path.of(args[1]),
                        StoreSpec.parse(args[2]),
                        args[3],
                        MessengerPolicy.PER_CLIENT,
                        MESSENGERS,
                        ClientLimits.defaults(),
                        BrokerOptions.DEFAULT_HELLO_TIMEOUT_NANOS);
        StateDirectory.prepare(options.stateDir());
        ImageStore store = Stores.open(options);
        Broker broker =
                Broker.start(
                        options,
                        new BesiegedStore(store, new Sickness(Path.of(args[4])), new SlowPool()));
        Runtime.getRuntime()
                .addShutdownHook(Thread.ofPlatform().name("stop").unstarted(broker::close));
        System.out.println("ready");
        Thread.sleep(Long.MAX_VALUE);
    }
}
