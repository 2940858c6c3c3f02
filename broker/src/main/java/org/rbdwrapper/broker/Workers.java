package org.rbdwrapper.broker;

import org.rbdwrapper.broker.watch.Watchdog;
import org.rbdwrapper.ipc.Errno;
import org.rbdwrapper.ipc.ErrnoException;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/**
 * Where calls that block are made, so that neither the conductor nor a messenger ever waits for a
 * cluster or a disk. Results come back as tasks of the conductor.
 *
 * <p>Each call is of a {@link Lane}, which bounds the threads that it can hold, and for whom; what
 * is beyond that waits in the lane's {@link LaneQueue}. The number of lanes is that of the pools in
 * use, which only administrators choose.
 *
 * <p>Any thread. The lock is held for some comparisons.
 */
public final class Workers {
    /** Then a thread without work ends: a burst of opens leaves none behind. */
    private static final long IDLE_SECONDS = 10;

    /** However many calls wait for each other. */
    private static final long CLOSE_MILLIS = 10_000;

    private final WorkerThreads threads;
    private final Consumer<Runnable> conductor;
    private final Watchdog watchdog;

    // under the lock
    private final Map<Lane, LaneQueue> lanes = new HashMap<>();
    private final List<WorkerCall<?>> running = new ArrayList<>();

    /** What is done with a call's result, on the conductor's thread. */
    @FunctionalInterface
    public interface OnResult<T> {
        /**
         * @throws ErrnoException as if the call had thrown it.
         */
        void accept(T result) throws ErrnoException;
    }

    /**
     * @param conductor runs a task on the conductor's thread; may be called by any thread.
     */
    public Workers(Consumer<Runnable> conductor, Watchdog watchdog) {
        this(conductor, watchdog, Runnable::run);
    }

    /**
     * @param starter runs what starts a thread.
     */
    Workers(Consumer<Runnable> conductor, Watchdog watchdog, Executor starter) {
        this(conductor, watchdog, starter, TimeUnit.SECONDS.toMillis(IDLE_SECONDS));
    }

    Workers(Consumer<Runnable> conductor, Watchdog watchdog, Executor starter, long idleMillis) {
        this.conductor = conductor;
        this.watchdog = watchdog;
        this.threads = new WorkerThreads(starter, idleMillis);
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
            CallOrigin origin,
            Callable<T> blocking,
            OnResult<T> onResult,
            Consumer<ErrnoException> onFailure) {
        WorkerCall<T> call = new WorkerCall<>(origin, blocking, onResult, onFailure, conductor);
        WorkerCall<?> first;
        synchronized (this) {
            LaneQueue lane = lanes.computeIfAbsent(origin.lane(), LaneQueue::new);
            lane.add(call);
            first = begin(lane);
        }
        if (first != null) {
            start(first);
        }
    }

    private void start(WorkerCall<?> first) {
        WorkerCall<?> call = first;
        while (call != null) {
            WorkerCall<?> begun = call;
            try {
                threads.run(() -> makeFrom(begun), e -> startNext(begun, e));
                return;
            } catch (RejectedExecutionException e) {
                begun.fail(new ErrnoException(Errno.ESHUTDOWN, "the broker ends", e));
            }
            call = endAndBegin(begun, false);
        }
    }

    /** No thread is to be had: it fails; those that wait in its lane are left to others. */
    private void startNext(WorkerCall<?> begun, OutOfMemoryError e) {
        begun.fail(
                new ErrnoException(
                        Errno.EAGAIN,
                        "the broker can make no thread for this now (" + e.getMessage() + ")",
                        e));
        WorkerCall<?> next = endAndBegin(begun, false);
        if (next != null) {
            start(next);
        }
    }

    /** A worker's task: one call of the lane after the other, as long as some wait. */
    private void makeFrom(WorkerCall<?> first) {
        WorkerCall<?> call = first;
        while (call != null) {
            call.make(watchdog);
            call = endAndBegin(call, true);
        }
    }

    /**
     * @param hasThread the next one can be made on this thread; else the others of the lane that
     *     are being made see to it, if there are any.
     */
    private synchronized WorkerCall<?> endAndBegin(WorkerCall<?> ended, boolean hasThread) {
        running.remove(ended);
        notifyAll();
        LaneQueue lane = lanes.get(ended.origin().lane());
        lane.ended(ended);
        if (lane.isEmpty()) {
            lanes.remove(lane.lane());
        }
        return hasThread || lane.running() == 0 ? begin(lane) : null;
    }

    /** With the lock: what may be made now counts as running. */
    private WorkerCall<?> begin(LaneQueue lane) {
        WorkerCall<?> next = lane.next();
        if (next != null) {
            next.begunAt = System.nanoTime();
            running.add(next);
        }
        return next;
    }

    /** How many calls are being made to the pool that has most of them now. */
    public synchronized int callsOfBusiestPool() {
        int most = 0;
        for (LaneQueue lane : lanes.values()) {
            if (lane.lane().isOfPool()) {
                most = Math.max(most, lane.running());
            }
        }
        return most;
    }

    /**
     * Lets calls end, each for as long as its lane has patience with it, and all of them for as
     * long as any lane has.
     *
     * @return whether none is left.
     */
    boolean close() throws InterruptedException {
        long deadline = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(CLOSE_MILLIS);
        boolean isIdle;
        synchronized (this) {
            long left;
            while ((left = Math.min(patienceMillis(), millisUntil(deadline))) > 0) {
                wait(left);
            }
            isIdle = running.isEmpty();
        }
        threads.close();
        return isIdle;
    }

    /** Whether no call of a lane is being made. */
    synchronized boolean isIdle(Lane lane) {
        return running.stream().noneMatch(call -> call.origin().lane().equals(lane));
    }

    private static long millisUntil(long deadline) {
        return TimeUnit.NANOSECONDS.toMillis(deadline - System.nanoTime());
    }

    /** With the lock: how long until there is no hope for any of the calls; 0: there are none. */
    private long patienceMillis() {
        long now = System.nanoTime();
        long most = 0;
        for (WorkerCall<?> call : running) {
            long age = TimeUnit.NANOSECONDS.toMillis(now - call.begunAt);
            most = Math.max(most, call.origin().lane().patienceMillis() - age);
        }
        return most;
    }
}
