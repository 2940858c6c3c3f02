package org.rbdwrapper.broker;

import org.rbdwrapper.broker.watch.Watchdog;
import org.rbdwrapper.broker.watch.WatchedCall;
import org.rbdwrapper.ipc.Errno;
import org.rbdwrapper.ipc.ErrnoException;

import java.util.concurrent.Callable;
import java.util.function.Consumer;

/**
 * A call that waits for one of {@link Workers}, or is being made.
 *
 * <p>Its times are guarded by their lock.
 *
 * @param <T> what it returns.
 */
final class WorkerCall<T> {
    private final CallOrigin origin;
    private final Callable<T> blocking;
    private final Workers.OnResult<T> onResult;
    private final Consumer<ErrnoException> onFailure;
    private final Consumer<Runnable> conductor;

    /** Of {@link System#nanoTime}; of one that is being made. */
    long begunAt;

    WorkerCall(
            CallOrigin origin,
            Callable<T> blocking,
            Workers.OnResult<T> onResult,
            Consumer<ErrnoException> onFailure,
            Consumer<Runnable> conductor) {
        this.origin = origin;
        this.blocking = blocking;
        this.onResult = onResult;
        this.onFailure = onFailure;
        this.conductor = conductor;
    }

    CallOrigin origin() {
        return origin;
    }

    /** Worker. Throws nothing. */
    void make(Watchdog watchdog) {
        try {
            if (!origin.isWanted().getAsBoolean()) {
                fail(
                        new ErrnoException(
                                Errno.ESHUTDOWN, origin.what() + ": whoever wanted it has gone"));
                return;
            }
            T result = origin.lane().isWatched() ? watched(watchdog) : blocking.call();
            conductor.accept(() -> deliver(result));
        } catch (ErrnoException e) {
            fail(e);
        } catch (Exception | Error e) {
            Unexpected.log("a worker's call", e);
            fail(Unexpected.failure(e));
        }
    }

    private T watched(Watchdog watchdog) throws Exception {
        WatchedCall watched = watchdog.begin(origin.lane().name(), origin::what);
        try {
            return blocking.call();
        } finally {
            watched.close();
        }
    }

    /** Any thread: it is not made. */
    void fail(ErrnoException failure) {
        conductor.accept(() -> onFailure.accept(failure));
    }

    /** Conductor. Where the first throws, the second is called, too, so that who waits hears. */
    private void deliver(T result) {
        try {
            onResult.accept(result);
        } catch (ErrnoException e) {
            onFailure.accept(e);
        } catch (RuntimeException | Error e) {
            Unexpected.log("what follows a worker's call", e);
            onFailure.accept(Unexpected.failure(e));
        }
    }
}
