package org.rbdwrapper.perf.soak;

import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.ReentrantReadWriteLock;

/**
 * When the broker is away or being told to go. A program that begins meanwhile finds none, as it
 * must; so programs begin only while none is replaced, and a replacement waits for those that
 * begin. What one has begun must then go on whatever happens.
 *
 * <p>Any thread.
 */
final class Turmoil {
    private final ReentrantReadWriteLock beginning = new ReentrantReadWriteLock(true);

    /** Odd while the broker is replaced. */
    private final AtomicLong epoch = new AtomicLong();

    @FunctionalInterface
    interface Step {
        void run() throws Exception;
    }

    /** No replacement begins or is under way meanwhile. */
    void calmly(Step step) throws Exception {
        beginning.readLock().lock();
        try {
            step.run();
        } finally {
            beginning.readLock().unlock();
        }
    }

    /** Nobody begins meanwhile. */
    void strike(Step blow) throws Exception {
        beginning.writeLock().lock();
        try {
            epoch.incrementAndGet();
            blow.run();
        } finally {
            epoch.incrementAndGet();
            beginning.writeLock().unlock();
        }
    }

    long epoch() {
        return epoch.get();
    }

    /** Whether it has been away at any time since {@link #epoch} said this. */
    boolean since(long then) {
        return then % 2 != 0 || epoch.get() != then;
    }
}
