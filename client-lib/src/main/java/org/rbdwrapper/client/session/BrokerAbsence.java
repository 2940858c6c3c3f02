package org.rbdwrapper.client.session;

import org.rbdwrapper.ipc.Errno;
import org.rbdwrapper.ipc.ErrnoException;

/**
 * The time in which a session has no broker: how often it is looked for, often at first, as that of
 * an upgrade is back within a second, then less so; and for how long: for ever, or as {@code
 * RBDW_RECONNECT_TIMEOUT} says.
 *
 * <p>One thread.
 */
final class BrokerAbsence {
    private final long began = System.nanoTime();
    private final long limitNanos;
    private long pause = Reconnect.FIRST_PAUSE_NANOS;

    /**
     * @throws ErrnoException EINVAL where the environment's limit is no number.
     */
    BrokerAbsence() throws ErrnoException {
        limitNanos = Reconnect.limitNanos();
    }

    /**
     * Sleeps until it is time for the next attempt.
     *
     * @throws ErrnoException ENOTCONN where there is none before the time is over.
     */
    void pause() throws ErrnoException {
        if (System.nanoTime() - began > limitNanos - pause) {
            throw new ErrnoException(
                    Errno.ENOTCONN,
                    "the broker has gone and did not come back in time ("
                            + Reconnect.VARIABLE
                            + ")");
        }
        Pause.nanos(pause);
        pause = Math.min(2 * pause, Reconnect.LONGEST_PAUSE_NANOS);
    }
}
