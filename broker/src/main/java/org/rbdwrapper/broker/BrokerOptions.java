package org.rbdwrapper.broker;

import org.rbdwrapper.broker.messenger.MessengerPolicy;
import org.rbdwrapper.broker.store.StoreSpec;

import java.nio.file.Path;

/**
 * What a broker is started with; options win over the environment, that over the config file.
 *
 * @param helloTimeoutNanos how long a connection may be silent before it has said who it is.
 */
public record BrokerOptions(
        Path runDir,
        Path stateDir,
        StoreSpec store,
        String cephId,
        MessengerPolicy policy,
        int maxMessengers,
        ClientLimits limits,
        long helloTimeoutNanos) {
    public static final long DEFAULT_HELLO_TIMEOUT_NANOS = 10_000_000_000L;

    static final String LOG_FOLDER = "log";

    /** Where the log of a broker with this state directory is. */
    public Path logFile() {
        return stateDir.resolve(LOG_FOLDER).resolve("broker.log");
    }
}
