package org.rbdwrapper.broker.watch;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;

/**
 * By which a {@link Watchdog} sees whether a thread that goes round and round is still doing so:
 * one number, which is another one at each turn and says whether the thread waits for work. Costs
 * the thread no clock, only a store.
 *
 * <p>Written by one thread, read by any.
 */
public final class TurnCounter {
    /** What {@link #call} says of a thread that waits. */
    static final long NONE = -1;

    private static final VarHandle VALUES = MethodHandles.arrayElementVarHandle(long[].class);

    /** Two cache lines, which processors fetch together. */
    private static final int PADDING = 128 / Long.BYTES;

    /** Even while the thread is at work, odd while it waits. */
    private final long[] values = new long[PADDING + 1 + PADDING];

    /** Waiting, until {@link #onTurn} is called. */
    public TurnCounter() {
        store(1);
    }

    /** Hot path, its thread: it begins with a turn, a message, a task or the like. */
    public void onTurn() {
        store((values[PADDING] & ~1) + 2);
    }

    /** Its thread: from now on it waits, for as long as it likes, until {@link #onTurn}. */
    public void onWait() {
        store(values[PADDING] | 1);
    }

    /** Any thread: the number of the call that the thread is in, or NONE. */
    long call() {
        long value = (long) VALUES.getAcquire(values, PADDING);
        return (value & 1) == 0 ? value : NONE;
    }

    private void store(long value) {
        VALUES.setRelease(values, PADDING, value);
    }
}
