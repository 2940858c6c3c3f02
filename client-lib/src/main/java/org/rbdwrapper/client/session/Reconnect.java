package org.rbdwrapper.client.session;

import org.rbdwrapper.ipc.Errno;
import org.rbdwrapper.ipc.ErrnoException;

import java.util.concurrent.locks.LockSupport;

/**
 * How a session looks for its next broker: often at first, as that of an upgrade is back within a
 * second, then less so; for ever, or as long as {@code RBDW_RECONNECT_TIMEOUT} says, in seconds.
 *
 * <p>One thread.
 */
final class Reconnect {
    private static final String VARIABLE = "RBDW_RECONNECT_TIMEOUT";
    static final long FIRST_PAUSE_NANOS = 10_000_000;
    static final long LONGEST_PAUSE_NANOS = 200_000_000;

    /** Between attempts that no operation waits for. */
    private static final long IDLE_PAUSE_NANOS = 1_000_000_000;

    private final Wish wish;
    private final long began = System.nanoTime();
    private final long limitNanos;

    Reconnect(Wish wish) {
        this.wish = wish;
        this.limitNanos = limitNanos();
    }

    /**
     * Returns when there is a broker that takes the session.
     *
     * @param late whether a broker since {@code last} had all its answers has said that it is late.
     * @throws ErrnoException ENOTCONN where none came in time, EPROTONOSUPPORT where the one that
     *     came speaks another protocol.
     */
    BrokerConnection after(BrokerConnection last, boolean late) throws ErrnoException {
        long pause = FIRST_PAUSE_NANOS;
        while (true) {
            try {
                return BrokerConnection.make(wish, last, late);
            } catch (ErrnoException e) {
                if (e.errno().equals(Errno.EPROTONOSUPPORT)) {
                    throw e;
                }
                if (System.nanoTime() - began > limitNanos - pause) {
                    throw new ErrnoException(
                            Errno.ENOTCONN,
                            "the broker has gone and did not come back in time ("
                                    + VARIABLE
                                    + "): "
                                    + e.what(),
                            e);
                }
            }
            LockSupport.parkNanos(pause);
            pause = Math.min(2 * pause, LONGEST_PAUSE_NANOS);
        }
    }

    /**
     * After the session was given up: tells the next broker, whenever it comes. Returns when that
     * is done, or cannot be done as it speaks another protocol.
     */
    void tellOfEnd(BrokerConnection last) {
        while (true) {
            try {
                last.tellOfEnd(wish.runDirs());
                return;
            } catch (ErrnoException e) {
                if (e.errno().equals(Errno.EPROTONOSUPPORT)) {
                    return;
                }
            }
            LockSupport.parkNanos(IDLE_PAUSE_NANOS);
        }
    }

    /** See {@link FirstBroker}. */
    BrokerConnection first() throws ErrnoException {
        return FirstBroker.await(
                wish.runDirs(),
                () -> BrokerConnection.make(wish, null, false),
                () -> {},
                limitNanos);
    }

    /** As the environment says. */
    static long limitNanos() {
        return nanos(System.getenv(VARIABLE));
    }

    /**
     * @param seconds which may have a fraction; null or empty: without a limit.
     */
    private static long nanos(String seconds) {
        if (seconds == null || seconds.isEmpty()) {
            return Long.MAX_VALUE / 2;
        }
        try {
            return (long) (Double.parseDouble(seconds) * 1e9);
        } catch (NumberFormatException e) {
            return Long.MAX_VALUE / 2; // as if it were not set: nothing is lost by waiting
        }
    }
}
