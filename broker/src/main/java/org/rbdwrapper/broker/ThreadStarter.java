package org.rbdwrapper.broker;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executor;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;

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
        CountDownLatch done = new CountDownLatch(1);
        AtomicReference<Error> failure = new AtomicReference<>();
        executor.execute(
                () -> {
                    try {
                        thread.start();
                    } catch (OutOfMemoryError e) {
                        failure.set(e);
                    } finally {
                        done.countDown();
                    }
                });
        boolean interrupted = false;
        while (true) {
            try {
                done.await();
                break;
            } catch (InterruptedException e) {
                interrupted = true; // it is started all the same
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
        if (failure.get() != null) {
            throw failure.get();
        }
    }

    @Override
    public void close() {
        executor.shutdown();
    }
}
