package org.rbdwrapper.broker;

import org.rbdwrapper.ipc.Errno;
import org.rbdwrapper.ipc.ErrnoException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What is thrown that no contract names: a mistake of ours, or a thread or memory that cannot be
 * had. Whoever was being served then hears of it by an error number, and the broker goes on. Any
 * thread.
 */
public final class Unexpected {
    private static final Logger LOG = LoggerFactory.getLogger(Unexpected.class);
    private static final LogLimiter LIMITER = new LogLimiter(10, 60_000_000_000L);

    private Unexpected() {}

    /** Puts it into the log, at a limited rate. */
    public static void log(String during, Throwable thrown) {
        synchronized (LIMITER) {
            LIMITER.run(() -> LOG.error("{} failed in a way that nobody expected", during, thrown));
        }
    }

    /** What a client is told of it, after {@link #log}. */
    public static ErrnoException failure(Throwable thrown) {
        return new ErrnoException(
                Errno.EIO, "internal error, see the broker's log: " + thrown, thrown);
    }

    /** Runs what others must not be kept from by a failure of it. */
    public static void contain(String during, Runnable action) {
        try {
            action.run();
        } catch (RuntimeException | Error e) {
            log(during, e);
        }
    }
}
