package org.rbdwrapper.broker;

import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;

/**
 * Threads that take tasks and end when they have had none for a while. Who hands a task over starts
 * no thread himself, as a {@link java.util.concurrent.ThreadPoolExecutor} would have it: see {@link
 * ThreadStarter}.
 *
 * <p>Any thread.
 */
final class WorkerThreads {
    private final SynchronousQueue<Runnable> idle = new SynchronousQueue<>();
    private final AtomicInteger count = new AtomicInteger();
    private final Executor starter;
    private final long idleMillis;
    private volatile boolean closed;

    WorkerThreads(Executor starter, long idleMillis) {
        this.starter = starter;
        this.idleMillis = idleMillis;
    }

    /**
     * Hands a task to an idle thread, or to a new one.
     *
     * @param onNone is called, on the starter's thread, where there can be no more threads.
     * @throws RejectedExecutionException after {@link #close}.
     */
    void run(Runnable task, Consumer<OutOfMemoryError> onNone) {
        if (closed) {
            throw new RejectedExecutionException("closed");
        }
        if (!idle.offer(task)) {
            starter.execute(() -> start(task, onNone));
        }
    }

    private void start(Runnable task, Consumer<OutOfMemoryError> onNone) {
        if (idle.offer(task)) { // one has become idle meanwhile
            return;
        }
        try {
            Thread.ofPlatform()
                    .daemon()
                    .name("worker-" + count.getAndIncrement())
                    .start(() -> work(task));
        } catch (OutOfMemoryError e) {
            onNone.accept(e);
        }
    }

    private void work(Runnable first) {
        Runnable task = first;
        try {
            while (task != null) {
                task.run();
                task = closed ? null : idle.poll(idleMillis, TimeUnit.MILLISECONDS);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt(); // it ends
        }
    }

    /** What was handed over goes on; nothing more is taken. */
    void close() {
        closed = true;
        while (idle.offer(() -> {})) {
            // each that waits sees that this is closed
        }
    }
}
