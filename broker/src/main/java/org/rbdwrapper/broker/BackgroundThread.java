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
final class BackgroundThread {
    /**
     * A third of the weight. Measured by {@code perf/siege --rounds 3 --seconds 2.5} on 2 cores:
     * readers beside such users have 0.8 to 1.5 times as much as without it, and control calls take
     * up to four times as long as alone.
     */
    static final int STEPS = 5;

    private static final Logger LOG = LoggerFactory.getLogger(BackgroundThread.class);

    private BackgroundThread() {}

    /** The task, with a lower priority of the thread that runs it, which it keeps. */
    static Runnable of(Runnable task) {
        return () -> {
            try {
                ThreadPriority.lower(STEPS);
            } catch (ErrnoException e) {
                LOG.debug("priority stays as it is: {}", e.describe()); // a sandbox forbids it
            }
            task.run();
        };
    }
}
