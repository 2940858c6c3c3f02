package org.rbdwrapper.broker;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.Executor;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;

/**
 * One thread that starts others, with the priority that it was made with: on Linux a thread begins
 * with the nice value of the thread that starts it, and a thread that has become nicer cannot undo
 * that. So what a {@link BackgroundThread} needs, and everybody's requests then go through, is
 * started here: messengers, workers, and the threads that these make for a store.
 *
 * <p>Any thread.
 */
final class ThreadStarter implements Executor, AutoCloseable {
    private final ThreadPoolExecutor executor;

    /** By a thread of ordinary priority. */
    ThreadStarter() {
        executor =
                new ThreadPoolExecutor(
                        1,
                        1,
                        0,
                        TimeUnit.MILLISECONDS,
                        new LinkedBlockingQueue<>(),
                        Thread.ofPlatform().daemon().name("thread-starter").factory());
        executor.prestartAllCoreThreads(); // or its first user would start it
    }

    /** Runs a task that starts threads and waits for nothing. */
    @Override
    public void execute(Runnable task) {
        executor.execute(task);
    }

    /**
     * Returns when the thread has been started.
     *
     * @throws OutOfMemoryError where there can be no more threads.
     */
    void start(Thread thread) {
        try {
            CompletableFuture.runAsync(thread::start, executor).join(); // whatever interrupts
        } catch (CompletionException e) {
            if (e.getCause() instanceof Error failure) {
                throw failure;
            }
            throw e;
        }
    }

    @Override
    public void close() {
        executor.shutdown();
    }
}
