package org.rbdwrapper.client.io;

/**
 * How long a waiter looks before it sleeps. A wake costs tens of microseconds, so looking pays
 * where the answer comes within about that; where it does not, looking only takes the core from who
 * works on the answer. The budget follows what happened last: doubled when the answer came while
 * looking, halved when it did not, and tried anew now and then.
 *
 * <p>Used by one thread at a time.
 */
final class Spin {
    private static final long MAX_NANOS =
            Runtime.getRuntime().availableProcessors() > 1 ? 50_000 : 0;
    private static final long MIN_NANOS = 1_000;
    private static final int TRY_EVERY = 256;

    private long budgetNanos = MAX_NANOS;
    private int sinceTry;

    /** For the next wait, in nanoseconds. */
    long budgetNanos() {
        if (budgetNanos < MIN_NANOS) {
            return ++sinceTry % TRY_EVERY == 0 ? MAX_NANOS : 0;
        }
        return budgetNanos;
    }

    void onHit() {
        budgetNanos = Math.min(MAX_NANOS, Math.max(MIN_NANOS, budgetNanos * 2));
    }

    void onMiss() {
        budgetNanos /= 2;
    }
}
