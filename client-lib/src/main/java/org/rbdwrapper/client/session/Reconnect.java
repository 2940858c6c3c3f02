package org.rbdwrapper.client.session;

import org.rbdwrapper.ipc.Errno;
import org.rbdwrapper.ipc.ErrnoException;

import java.util.regex.Pattern;

/**
 * How a session looks for its next broker: often at first, as that of an upgrade is back within a
 * second, then less so; for ever, or as long as {@code RBDW_RECONNECT_TIMEOUT} says, in seconds.
 *
 * <p>One thread.
 */
final class Reconnect {
    static final String VARIABLE = "RBDW_RECONNECT_TIMEOUT";

    /** A whole number or a fraction in the decimal system, as the C library reads it. */
    private static final Pattern SECONDS = Pattern.compile("[0-9]+(\\.[0-9]*)?|\\.[0-9]+");

    private static final long NO_LIMIT_NANOS = Long.MAX_VALUE / 2;
    static final long FIRST_PAUSE_NANOS = 10_000_000;
    static final long LONGEST_PAUSE_NANOS = 200_000_000;

    /** Between attempts that no operation waits for. */
    private static final long IDLE_PAUSE_NANOS = 1_000_000_000;

    private final Wish wish;
    private long began;
    private long pause;

    Reconnect(Wish wish) {
        this.wish = wish;
    }

    /** From now on there is no broker. */
    void begin() {
        began = System.nanoTime();
        pause = FIRST_PAUSE_NANOS;
    }

    /**
     * One attempt; sleeps where it was in vain.
     *
     * @param late whether a broker since {@code last} had all its answers has said that it is late.
     * @return the broker that takes the session; null where there is none yet.
     * @throws ErrnoException ENOTCONN where none came in time, EPROTONOSUPPORT where the one that
     *     came speaks another protocol, EINVAL where the limit is no number.
     */
    BrokerConnection attempt(BrokerConnection last, boolean late) throws ErrnoException {
        long limitNanos = limitNanos();
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
        Pause.nanos(pause);
        pause = Math.min(2 * pause, LONGEST_PAUSE_NANOS);
        return null;
    }

    /**
     * After the session was given up: tells the next broker, whenever it comes. Returns when that
     * is done, or cannot be done. May be broken off by an OutOfMemoryError, and called again.
     */
    void tellOfEnd(BrokerConnection last) {
        while (true) {
            try {
                last.tellOfEnd(wish.runDirs());
                return;
            } catch (ErrnoException e) {
                if (e.errno().equals(Errno.EPROTONOSUPPORT) || e.errno().equals(Errno.EPROTO)) {
                    return; // it speaks another protocol, or is that which has the session
                }
            }
            Pause.nanos(IDLE_PAUSE_NANOS);
        }
    }

    /**
     * As the environment says.
     *
     * @throws ErrnoException EINVAL where that is no number.
     */
    static long limitNanos() throws ErrnoException {
        return nanos(System.getenv(VARIABLE));
    }

    /**
     * @param seconds which may have a fraction; null or empty: without a limit.
     */
    static long nanos(String seconds) throws ErrnoException {
        if (seconds == null || seconds.isEmpty()) {
            return NO_LIMIT_NANOS;
        }
        if (!SECONDS.matcher(seconds).matches()) {
            throw new ErrnoException(
                    Errno.EINVAL,
                    VARIABLE + " is " + seconds + ": it must be a number of seconds, as 30 or 0.5");
        }
        return Math.min((long) (Double.parseDouble(seconds) * 1e9), NO_LIMIT_NANOS);
    }
}
