package org.rbdwrapper.client.session;

import java.util.concurrent.locks.LockSupport;

/** Sleep between two attempts. */
final class Pause {
    private Pause() {}

    /**
     * Sleeps, whatever interrupts; who was interrupted is so afterwards. A thread that has its
     * interrupt flag set does not park: its attempts would follow one another without a pause.
     */
    static void nanos(long nanos) {
        long deadline = System.nanoTime() + nanos;
        boolean interrupted = Thread.interrupted();
        for (long left = nanos; left > 0; left = deadline - System.nanoTime()) {
            LockSupport.parkNanos(left);
            interrupted |= Thread.interrupted();
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
