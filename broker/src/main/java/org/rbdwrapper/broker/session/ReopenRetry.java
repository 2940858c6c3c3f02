package org.rbdwrapper.broker.session;

import org.rbdwrapper.broker.map.MappingOptions;
import org.rbdwrapper.ipc.Errno;
import org.rbdwrapper.ipc.ErrnoException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.util.Set;

/**
 * What a client had open with the broker before, and the store does not open now for a reason that
 * passes: the monitors do not answer, or this process or the host is short of something. Its I/O
 * waits until it can be opened, as it would have waited for a sick cluster had the broker stayed; a
 * file that is given up for this would be lost for good. A client that opens an image for the first
 * time hears of it at once, and so does one whose mapping has an io-timeout: that asks for errors
 * instead of waiting.
 *
 * <p>Conductor's thread.
 */
final class ReopenRetry {
    private static final Logger LOG = LoggerFactory.getLogger(ReopenRetry.class);

    static final long PAUSE_NANOS = 1_000_000_000L;

    /**
     * So long the others wait for a client that is refused, as for one whose store takes its time.
     * What lasts longer may last for ever, and concern this client alone: {@link ReturnGrace} then
     * has them go on without it, if there are any.
     */
    static final long PATIENCE_NANOS = 30_000_000_000L;

    private static final Set<Errno> PASSING =
            Set.of(Errno.ETIMEDOUT, Errno.EAGAIN, Errno.EMFILE, Errno.ENFILE, Errno.ENOMEM);

    private final DelayedTasks delayed;

    ReopenRetry(DelayedTasks delayed) {
        this.delayed = delayed;
    }

    static boolean isFor(Session session, MappingOptions options, ErrnoException failure) {
        return session.returning
                && PASSING.contains(failure.errno())
                && options.tuning().ioTimeoutSeconds() == 0;
    }

    /**
     * @param open makes it again, from its beginning: the image may have been unmapped, and the
     *     session have ended, meanwhile.
     */
    void later(Session session, ErrnoException failure, Runnable open) {
        long now = System.nanoTime();
        if (!session.reopenRefused) {
            session.reopenRefused = true;
            session.refusedSinceNanos = now;
            LOG.warn(
                    "{} waits until what it had open can be opened again: {}",
                    session.describe(),
                    failure.describe());
        }
        session.pendingOpens++;
        delayed.add(
                now,
                PAUSE_NANOS,
                () -> {
                    session.pendingOpens--;
                    open.run();
                });
    }

    /** It is refused no more, whether it has its image now or never will. */
    static void onAnswer(Session session) {
        if (session.reopenRefused) {
            session.reopenRefused = false;
            LOG.info("{} goes on", session.describe());
        }
    }

    /** Whether that is so for longer than others are to wait for. */
    static boolean isOverdue(Session session, long now) {
        return session.reopenRefused && now - session.refusedSinceNanos >= PATIENCE_NANOS;
    }
}
