package org.rbdwrapper.broker;

import org.rbdwrapper.ipc.Errno;
import org.rbdwrapper.ipc.ErrnoException;

import java.util.concurrent.Callable;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.LinkedTransferQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;

/**
 * Where calls that block are made, so that neither the conductor nor a messenger ever waits for a
 * cluster. Results come back as tasks of the conductor.
 */
public final class Workers {
    /** Calls into a cluster that hangs hold their threads; the next ones then wait in a queue. */
    private static final int THREADS = 16;

    /** Then a thread without work ends: a burst of opens leaves none behind. */
    private static final long IDLE_SECONDS = 10;

    private final AtomicInteger count = new AtomicInteger();
    private final ThreadPoolExecutor executor;
    private final Consumer<Runnable> conductor;

    /**
     * @param conductor runs a task on the conductor's thread; may be called by any thread.
     */
    public Workers(Consumer<Runnable> conductor) {
        this(conductor, TimeUnit.SECONDS.toMillis(IDLE_SECONDS));
    }

    Workers(Consumer<Runnable> conductor, long idleMillis) {
        this.conductor = conductor;
        this.executor =
                new ThreadPoolExecutor(
                        0,
                        THREADS,
                        idleMillis,
                        TimeUnit.MILLISECONDS,
                        new IdleFirstQueue(),
                        task -> thread("worker-", task),
                        Workers::queue);
    }

    private Workers(Consumer<Runnable> conductor, String name) {
        this.conductor = conductor;
        this.executor =
                new ThreadPoolExecutor(
                        1,
                        1,
                        IDLE_SECONDS,
                        TimeUnit.SECONDS,
                        new LinkedBlockingQueue<>(),
                        task -> thread(name, task));
        executor.allowCoreThreadTimeOut(true);
    }

    /**
     * Makes one call after the other, in their order.
     *
     * @param name of its thread.
     */
    public static Workers inOrder(Consumer<Runnable> conductor, String name) {
        return new Workers(conductor, name);
    }

    private Thread thread(String name, Runnable task) {
        return Thread.ofPlatform().daemon().name(name + count.getAndIncrement()).unstarted(task);
    }

    /** Any thread: runs a task on the conductor's thread. */
    public void post(Runnable task) {
        conductor.accept(task);
    }

    /**
     * Makes a call that blocks; one of the two is then called on the conductor's thread. Where the
     * first throws, the second is called, too, so that who waits for either is answered.
     */
    public <T> void call(
            Callable<T> blocking, Consumer<T> onResult, Consumer<ErrnoException> onFailure) {
        try {
            execute(blocking, onResult, onFailure);
        } catch (OutOfMemoryError e) {
            ErrnoException failure =
                    new ErrnoException(
                            Errno.EAGAIN,
                            "the broker can make no thread for this now (" + e.getMessage() + ")",
                            e);
            post(() -> onFailure.accept(failure));
        }
    }

    private <T> void execute(
            Callable<T> blocking, Consumer<T> onResult, Consumer<ErrnoException> onFailure) {
        executor.execute(
                () -> {
                    try {
                        T result = blocking.call();
                        post(() -> deliver(result, onResult, onFailure));
                    } catch (ErrnoException e) {
                        post(() -> onFailure.accept(e));
                    } catch (Exception | Error e) {
                        Unexpected.log("a worker's call", e);
                        ErrnoException failure = Unexpected.failure(e);
                        post(() -> onFailure.accept(failure));
                    }
                });
    }

    private static <T> void deliver(
            T result, Consumer<T> onResult, Consumer<ErrnoException> onFailure) {
        try {
            onResult.accept(result);
        } catch (RuntimeException | Error e) {
            Unexpected.log("what follows a worker's call", e);
            onFailure.accept(Unexpected.failure(e));
        }
    }

    /** Lets running calls end, for so long; true if they did. */
    boolean close(long timeoutMillis) throws InterruptedException {
        executor.shutdown();
        return executor.awaitTermination(timeoutMillis, TimeUnit.MILLISECONDS);
    }

    /** All threads have work. */
    private static void queue(Runnable task, ThreadPoolExecutor executor) {
        if (executor.isShutdown()) {
            throw new RejectedExecutionException("the broker ends");
        }
        executor.getQueue().add(task);
        if (executor.getPoolSize() == 0) {
            executor.execute(() -> {}); // the last thread has ended meanwhile, and not seen it
        }
    }

    /**
     * Takes a task only where a thread waits for one, so that the executor makes another thread
     * otherwise, up to its limit; its own queues would make threads though others idle, or none.
     */
    private static final class IdleFirstQueue extends LinkedTransferQueue<Runnable> {
        private static final long serialVersionUID = 1;

        @Override
        public boolean offer(Runnable task) {
            return tryTransfer(task);
        }

        @Override
        public boolean add(Runnable task) {
            put(task);
            return true;
        }
    }
}
