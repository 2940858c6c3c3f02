package org.rbdwrapper.broker.messenger;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;

/**
 * What a messenger has done since it began. Written by its thread alone, by release stores to cache
 * lines that hold nothing else; read by any thread.
 *
 * <p>An array, not Agrona's counters: nobody outside this process reads them, so they need no file,
 * and their number is fixed. Costs no clock: that the messenger waits, {@link RequestLook} times
 * for its own use.
 */
final class MessengerCounters {
    private static final VarHandle VALUES = MethodHandles.arrayElementVarHandle(long[].class);

    /** Two cache lines, which processors fetch together. */
    private static final int PADDING = 128 / Long.BYTES;

    private static final int REQUESTS = PADDING;
    private static final int BYTES = PADDING + 1;
    private static final int TURNS = PADDING + 2;
    private static final int FULL_BATCHES = PADDING + 3;

    /**
     * The time waited, twice, plus 1 while it waits. Then it is that of the waits before, less the
     * moment when this one began: one number, so that no reader sees half of a change.
     */
    private static final int WAITED = PADDING + 4;

    private static final int CHANNELS_LOOKED = PADDING + 5;

    private final long[] values = new long[PADDING + 6 + PADDING];
    private final long startedAt;

    /**
     * @param now of {@link System#nanoTime}, as everywhere here.
     */
    MessengerCounters(long now) {
        startedAt = now;
    }

    /**
     * Messenger: so many requests were taken from one channel.
     *
     * @param bytes that they read or write.
     * @param full whether more may have been waiting: the batch is bounded.
     */
    void onBatch(int requests, long bytes, boolean full) {
        add(REQUESTS, requests);
        add(BYTES, bytes);
        if (full) {
            add(FULL_BATCHES, 1);
        }
    }

    /** Messenger: it has gone through its channels and found requests. */
    void onTurn() {
        add(TURNS, 1);
    }

    /** Messenger: at so many it has looked for that. */
    void onChannelsLooked(int channels) {
        add(CHANNELS_LOOKED, channels);
    }

    /** Any thread: in all turns that found requests. */
    long channelsLooked() {
        return (long) VALUES.getAcquire(values, CHANNELS_LOOKED);
    }

    /** Messenger: it has no work. */
    void onWaitBegan(long now) {
        store(WAITED, (((values[WAITED] >> 1) - (now - startedAt)) << 1) | 1);
    }

    /** Messenger: it has work again. */
    void onWaitEnded(long now) {
        store(WAITED, ((values[WAITED] >> 1) + (now - startedAt)) << 1);
    }

    /** Any thread: since the messenger began. */
    MessengerActivity read() {
        long waited = (long) VALUES.getAcquire(values, WAITED);
        long elapsed = System.nanoTime() - startedAt;
        long waitedNanos = (waited >> 1) + ((waited & 1) != 0 ? elapsed : 0);
        return new MessengerActivity(
                elapsed,
                Math.clamp(elapsed - waitedNanos, 0, elapsed),
                (long) VALUES.getAcquire(values, REQUESTS),
                (long) VALUES.getAcquire(values, BYTES),
                (long) VALUES.getAcquire(values, TURNS),
                (long) VALUES.getAcquire(values, FULL_BATCHES));
    }

    private void add(int index, long amount) {
        store(index, values[index] + amount);
    }

    private void store(int index, long value) {
        VALUES.setRelease(values, index, value);
    }
}
