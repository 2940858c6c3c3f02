package org.rbdwrapper.client.session;

import org.rbdwrapper.client.io.Awaited;
import org.rbdwrapper.client.io.LibraryThread;
import org.rbdwrapper.ipc.ErrnoException;

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
        Made<T> made = new Made<>(call);
        THREADS.execute(made);
        return made.await();
    }

    private static final class Made<T> extends Awaited implements Runnable {
        private final Call<T> call;
        private T result;

        Made(Call<T> call) {
            this.call = call;
        }

        @Override
        public void run() {
            Throwable failure = null;
            try {
                result = call.make();
            } catch (Throwable e) {
                failure = e;
            }
            end(failure);
        }

        T await() throws ErrnoException {
            awaitEnd();
            return result;
        }
    }
}
