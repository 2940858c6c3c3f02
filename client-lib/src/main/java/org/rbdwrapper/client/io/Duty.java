package org.rbdwrapper.client.io;

import java.util.concurrent.atomic.AtomicInteger;

/**
 * One thread's time as an {@link AsyncChannel}'s completer. While it tells a program of an end, it
 * is the program's, which may keep it: then another thread relieves it.
 *
 * <pre>
 *   SERVING ── beginTelling ──▶ TELLING ── relieve ──▶ RELIEVED
 *      ▲                           │                   what is the channel's is another's
 *      └──────── endTelling ───────┘
 * </pre>
 *
 * <p>{@link #beginTelling}, {@link #endTelling} and {@link #resume} are that thread's, the others
 * any thread's.
 */
final class Duty {
    private static final int SERVING = 0;
    private static final int TELLING = 1;
    private static final int RELIEVED = 2;

    private final AtomicInteger state = new AtomicInteger(SERVING);
    private int told; // written by its thread; read by others to see whether it goes on

    /** What is the channel's is not to be touched until {@link #endTelling}. */
    void beginTelling() {
        told++;
        state.setRelease(TELLING);
    }

    /**
     * @return false where it is relieved: the thread has nothing to do with the channel any more.
     */
    boolean endTelling() {
        return state.compareAndSet(TELLING, SERVING);
    }

    /**
     * Where something was thrown, maybe while it told: true where it goes on with what is the
     * channel's.
     */
    boolean resume() {
        return state.get() == SERVING || endTelling();
    }

    /** True for the one who takes its place, and what is the channel's with it. */
    boolean relieve() {
        return state.compareAndSet(TELLING, RELIEVED);
    }

    boolean isTelling() {
        return state.get() == TELLING;
    }

    /** How often it has begun to tell; after {@link #isTelling}. */
    int told() {
        return told;
    }
}
