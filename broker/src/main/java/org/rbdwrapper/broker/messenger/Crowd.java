package org.rbdwrapper.broker.messenger;

import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.concurrent.atomic.AtomicLongArray;

/**
 * Whether so many clients are at work that none of them should keep a core by looking.
 *
 * <p>A client that looks for its answer is served faster, as long as the broker, the cluster's
 * daemons on this host and the other clients do not need that core. Each client sees by itself
 * whether cores idle, but with some of them all see the same idle core and all take it. The broker
 * knows how many there are. One core must be left: measured on 4 of them with the cluster on the
 * same host, 1, 2 and 3 clients did 1.5, 1.4 and 1.1 times what librbd in the program does when
 * they looked, 0.85 when they did not; with 4 it made no difference, and 8 that looked did 0.7.
 *
 * <p>Any thread: each messenger writes what is its own.
 */
final class Crowd {
    /** What clients are counted over. */
    static final long WINDOW_NANOS = 50_000_000;

    /** Requests in a window of a client that is at work. */
    static final int BUSY_REQUESTS = 4;

    /** A messenger that has not told for longer sleeps, and its clients with it. */
    private static final long FRESH_NANOS = 4 * WINDOW_NANOS;

    private final int most;
    private final AtomicIntegerArray busy;
    private final AtomicLongArray toldAt;

    /**
     * @param messengers at most.
     * @param cores that the broker may use.
     */
    Crowd(int messengers, int cores) {
        this.most = Math.max(1, cores - 1);
        this.busy = new AtomicIntegerArray(messengers);
        this.toldAt = new AtomicLongArray(messengers);
    }

    /**
     * A messenger's window is over.
     *
     * @param clients that were at work in it.
     * @param now of {@link System#nanoTime}.
     * @return whether there are too many, with those of the other messengers.
     */
    boolean tell(int messenger, int clients, long now) {
        toldAt.setRelease(messenger, now);
        busy.setRelease(messenger, clients);
        int all = 0;
        for (int i = 0; i < busy.length(); i++) {
            if (now - toldAt.getAcquire(i) < FRESH_NANOS) {
                all += busy.getAcquire(i);
            }
        }
        return all > most;
    }
}
