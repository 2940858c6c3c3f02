package org.rbdwrapper.client.session;

import org.rbdwrapper.client.io.LibraryThread;
import org.rbdwrapper.ipc.ErrnoException;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;

/**
 * Makes calls that wait in the kernel for a broker. A virtual thread there would keep its carrier,
 * and so all other virtual threads where that is the only one: what such a thread calls is made by
 * a platform thread of the library's.
 *
 * <p>Any thread. There are as many threads as calls under way, which are one for each connection
 * and one for each that is being made; they end when they have been idle for a while.
 */
final class ControlThreads {
    private static final long IDLE_SECONDS = 2;
    private static final ExecutorService THREADS =
            new ThreadPoolExecutor(
                    0,
                    Integer.MAX_VALUE,
                    IDLE_SECONDS,
                    TimeUnit.SECONDS,
                    new SynchronousQueue<>(),
                    call -> LibraryThread.helper("rbdw-control", call));

    private ControlThreads() {}

    /** What is to be made. */
    @FunctionalInterface
    interface Call<T> {
        T make() throws ErrnoException;
    }

    /** Returns when it is made, whatever interrupts; throws what it throws. */
    static <T> T call(Call<T> call) throws ErrnoException {
        if (!Thread.currentThread().isVirtual()) {
            return call.make();
        }
        CompletableFuture<T> result = new CompletableFuture<>();
        THREADS.execute(
                () -> {
                    try {
                        result.complete(call.make());
                    } catch (ErrnoException | RuntimeException | Error e) {
                        result.completeExceptionally(e);
                    }
                });
        try {
            return result.join();
        } catch (CompletionException e) {
            switch (e.getCause()) {
                case ErrnoException failure -> throw failure;
                case RuntimeException failure -> throw failure;
                case Error failure -> throw failure;
                case null, default -> throw e;
            }
        }
    }
}
