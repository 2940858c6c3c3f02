package org.rbdwrapper.broker.watch;

import org.rbdwrapper.broker.Unexpected;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Supplier;

/**
 * Looks at the threads that others wait for, four times a second while any is in a call, and says
 * in the log which of them does not come out of it: {@link StallFinder} has the rules.
 *
 * <p>Any thread. What it costs those that it watches is a store a turn ({@link TurnCounter}), or an
 * entry in a table a call ({@link #begin}).
 */
public final class Watchdog implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Watchdog.class);

    /** Between looks that find nobody in a call: an idle broker is to take no time of the host. */
    private static final long IDLE_NANOS = 1_000_000_000L;

    private final List<WatchedThread> threads = new CopyOnWriteArrayList<>();
    private final Set<WatchedCall> calls = ConcurrentHashMap.newKeySet();
    private volatile List<StallReport> stalls = List.of();
    private volatile boolean closed;

    /** One that is told of threads and calls, and looks at none. */
    public Watchdog() {}

    /**
     * @throws OutOfMemoryError where there can be no more threads.
     */
    public static Watchdog start() {
        Watchdog watchdog = new Watchdog();
        Thread.ofPlatform().daemon().name("watchdog").start(watchdog::run);
        return watchdog;
    }

    /**
     * Watches a thread until it ends.
     *
     * @param thread has been started.
     * @param what each of its turns is, for people.
     */
    public void watch(Thread thread, TurnCounter turns, String what) {
        threads.add(new WatchedThread(thread, turns, what));
    }

    /**
     * This thread begins a call that may take long, and closes what is returned when that has
     * ended:
     *
     * <pre>
     *   WatchedCall watched = watchdog.begin("pool rbd", () -&gt; "opening of image rbd/a");
     *   try {
     *       ...
     *   } finally {
     *       watched.close();
     *   }
     * </pre>
     *
     * Calls may be nested.
     *
     * @param place what others can be stuck at, too, so that one line tells of all of them.
     * @param what it does, for people; called by the watchdog's thread and only where it takes
     *     long, must not block.
     */
    public WatchedCall begin(String place, Supplier<String> what) {
        return new WatchedCall(calls, place, what);
    }

    /** What has been stuck for over a second, as it was found at the last look. */
    public List<StallReport> stalls() {
        return stalls;
    }

    @Override
    public void close() {
        closed = true; // its thread sees that at its next look
    }

    private void run() {
        StallFinder finder = new StallFinder(LOG, System.nanoTime());
        while (!closed) {
            boolean isAny = isAnyInACall() || !stalls.isEmpty();
            if (isAny) {
                Unexpected.contain("looking for what is stuck", () -> look(finder));
            }
            LockSupport.parkNanos(isAny ? StallFinder.EVERY_NANOS : IDLE_NANOS);
        }
        stalls = List.of();
    }

    private boolean isAnyInACall() {
        for (int i = 0; i < threads.size(); i++) {
            if (threads.get(i).call() != TurnCounter.NONE) {
                return true;
            }
        }
        return !calls.isEmpty();
    }

    private void look(StallFinder finder) {
        threads.removeIf(WatchedThread::isOver);
        List<Watched> all = new ArrayList<>(threads);
        all.addAll(calls);
        stalls = finder.look(all, System.nanoTime());
    }
}
