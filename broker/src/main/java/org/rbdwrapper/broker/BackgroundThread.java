package org.rbdwrapper.broker;

import org.rbdwrapper.ipc.ErrnoException;
import org.rbdwrapper.ipc.posix.ThreadPriority;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What a thread does that answers control calls: where cores are few it stands behind messengers
 * and programs, so that a user who opens, asks and connects without end takes less from those who
 * read and write. Control calls wait some milliseconds longer there; where a core is idle, nothing
 * changes.
 */
public final class BackgroundThread {
    /**
     * A third of the weight: measured with {@code perf/siege} on 2 cores, readers beside such users
     * have 1.2 to 1.7 times as much as without it; with 10 steps they have no more, and control
     * calls take up to three times as long.
     */
    static final int STEPS = 5;

    private static final Logger LOG = LoggerFactory.getLogger(BackgroundThread.class);
    private static final LogLimiter COMPLAINTS = new LogLimiter(1, 60_000_000_000L);

    private BackgroundThread() {}

    /** The task, with a lower priority of the thread that runs it, which it keeps. */
    public static Runnable of(Runnable task) {
        return () -> {
            try {
                ThreadPriority.lower(STEPS);
            } catch (ErrnoException e) {
                synchronized (COMPLAINTS) { // a sandbox that forbids it
                    COMPLAINTS.run(() -> LOG.debug("priority stays as it is: {}", e.describe()));
                }
            }
            task.run();
        };
    }
}
