package org.rbdwrapper.broker.watch;

import java.util.Set;
import java.util.function.Supplier;

/**
 * A call that a thread is in, and that may take long. Made by {@link Watchdog#begin}, and closed by
 * that thread when the call has ended, however it has.
 */
public final class WatchedCall extends Watched implements AutoCloseable {
    private final Set<WatchedCall> open;
    private final Thread thread = Thread.currentThread();
    private final long began = System.nanoTime();
    private final String place;
    private final Supplier<String> what;
    private volatile boolean isOver;

    WatchedCall(Set<WatchedCall> open, String place, Supplier<String> what) {
        this.open = open;
        this.place = place;
        this.what = what;
        open.add(this);
    }

    @Override
    public void close() {
        isOver = true;
        open.remove(this);
    }

    @Override
    Thread thread() {
        return thread;
    }

    @Override
    long call() {
        return isOver ? TurnCounter.NONE : 0;
    }

    @Override
    long beganAt(long now) {
        return began;
    }

    @Override
    String place() {
        return place;
    }

    @Override
    String what() {
        return what.get();
    }

    @Override
    boolean isOver() {
        return isOver;
    }
}
