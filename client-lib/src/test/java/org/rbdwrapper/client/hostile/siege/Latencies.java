package org.rbdwrapper.client.hostile.siege;

import java.util.Arrays;

/**
 * How long calls of one kind took, the one that is under way included: a call that never returns
 * counts as long as it has lasted.
 *
 * <p>One thread makes the calls, any thread looks.
 */
final class Latencies {
    private static final int SUB_BITS = 5; // 3 %

    private final long everyNanos;
    private final long[] counts = new long[64 << SUB_BITS]; // guarded by this
    private long calls; // guarded by this
    private long began; // guarded by this; 0: none is under way

    /**
     * What was seen since the last look.
     *
     * @param calls that have returned.
     */
    record Seen(long calls, long p50, long p99) {}

    /**
     * @param everyNanos when the next call would have been made if this one had not lasted: those
     *     count as having waited, too. 0: there is no such time.
     */
    Latencies(long everyNanos) {
        this.everyNanos = everyNanos;
    }

    synchronized void begin() {
        began = System.nanoTime();
    }

    synchronized void end() {
        record(System.nanoTime() - began);
        began = 0;
    }

    /** A call that took so long. */
    synchronized void record(long nanos) {
        add(counts, nanos);
        calls++;
    }

    /** What comes is counted from now on. */
    synchronized void reset() {
        Arrays.fill(counts, 0);
        calls = 0;
    }

    synchronized Seen look() {
        long[] all = counts.clone();
        if (began != 0) {
            add(all, System.nanoTime() - began);
        }
        return new Seen(calls, percentile(all, 0.5), percentile(all, 0.99));
    }

    private void add(long[] to, long nanos) {
        to[index(nanos)]++;
        if (everyNanos > 0) {
            for (long missed = nanos - everyNanos; missed > 0; missed -= everyNanos) {
                to[index(missed)]++;
            }
        }
    }

    private static int index(long nanos) {
        int exponent = Math.max(0, 63 - SUB_BITS - Long.numberOfLeadingZeros(nanos | 1));
        return (exponent << SUB_BITS) + (int) (nanos >>> exponent);
    }

    /** The middle of its bucket, nanoseconds; 0 where nothing was seen. */
    private static long percentile(long[] counts, double part) {
        long rank = (long) Math.ceil(Arrays.stream(counts).sum() * part);
        long sum = 0;
        for (int i = 0; i < counts.length; i++) {
            sum += counts[i];
            if (sum >= rank && sum > 0) {
                int exponent = Math.max(0, (i >>> SUB_BITS) - 1);
                return (long) ((i - (exponent << SUB_BITS) + 0.5) * (1L << exponent));
            }
        }
        return 0;
    }
}
