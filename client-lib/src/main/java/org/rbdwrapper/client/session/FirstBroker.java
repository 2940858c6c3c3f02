package org.rbdwrapper.client.session;

import org.rbdwrapper.ipc.Errno;
import org.rbdwrapper.ipc.ErrnoException;
import org.rbdwrapper.ipc.control.ControlConnection;

import java.nio.file.Path;
import java.util.List;

/**
 * How a program comes to its first broker: one that begins while the broker is replaced waits for
 * the next, as those do that are there. As long as there is a socket that a broker has left, and 10
 * s at most, or as {@code RBDW_RECONNECT_TIMEOUT} says.
 */
public final class FirstBroker {
    private static final long LIMIT_NANOS = 10_000_000_000L;

    /** A person would ask what is going on. */
    private static final long SILENCE_NANOS = 1_000_000_000L;

    private FirstBroker() {}

    /** Makes one connection, or says why not. */
    @FunctionalInterface
    public interface Attempt<T> {
        T connect() throws ErrnoException;
    }

    /**
     * Blocks; any thread.
     *
     * @param onWaiting is called once, when it takes longer than a moment.
     * @throws ErrnoException ECONNREFUSED where none is running or came in time, or as the broker
     *     refused it.
     */
    public static <T> T await(List<Path> runDirs, Attempt<T> attempt, Runnable onWaiting)
            throws ErrnoException {
        return await(runDirs, attempt, onWaiting, Reconnect.limitNanos());
    }

    static <T> T await(
            List<Path> runDirs, Attempt<T> attempt, Runnable onWaiting, long reconnectNanos)
            throws ErrnoException {
        long began = System.nanoTime();
        long limit = Math.min(reconnectNanos, LIMIT_NANOS);
        long pause = Reconnect.FIRST_PAUSE_NANOS;
        boolean isSilent = true;
        while (true) {
            try {
                return attempt.connect();
            } catch (ErrnoException e) {
                if (!isAway(e)
                        || System.nanoTime() - began > limit - pause
                        || !ControlConnection.isAnySocketLeft(runDirs)) {
                    throw e;
                }
            }
            if (isSilent && System.nanoTime() - began > SILENCE_NANOS) {
                onWaiting.run();
                isSilent = false;
            }
            Pause.nanos(pause);
            pause = Math.min(2 * pause, Reconnect.LONGEST_PAUSE_NANOS);
        }
    }

    /** There is none, or it has just ended. */
    static boolean isAway(ErrnoException e) {
        return e.errno().equals(Errno.ECONNREFUSED) || BrokerConnection.isHangUp(e);
    }
}
