package org.rbdwrapper.broker.messenger;

import org.rbdwrapper.ipc.posix.SpareCores;

/**
 * How long a messenger without work looks for the next request before it sleeps. Its wake costs
 * tens of microseconds, which a client that waits for each answer pays for every request.
 *
 * <p>Always for some microseconds, a little more than a client takes from a response to its next
 * request; and for about twice as long as requests took to come lately, where a client waits for
 * its only one and half a core of the host idles even so.
 *
 * <p>Owned by the messenger's thread.
 */
final class RequestLook {
    private static final boolean WANTED = SpareCores.wanted();
    private static final SpareCores SPARE_CORES = SpareCores.forLooking(0.5);
    private static final long SHORT_NANOS = WANTED ? 8_000 : 0;
    private static final long LONG_NANOS = 1_500_000;
    private static final int LOOKS_PER_TIME = 8;

    /** Between two looks at the clock: somebody else ran here. */
    private static final long INTERRUPTED_NANOS = 1_000_000;

    private final MessengerCounters counters;
    private long expectedNanos = LONG_NANOS;
    private boolean waiting;
    private long waitBegan;
    private boolean looking;
    private long lookBegan;
    private long lookedLast;
    private long lookNanos;
    private int looks;
    private boolean looksLong;
    private boolean crowd;
    private long lastTime = System.nanoTime();

    /**
     * @param counters are told when it waits.
     */
    RequestLook(MessengerCounters counters) {
        this.counters = counters;
    }

    /** Whether it looked for long, the last time. */
    boolean looksLong() {
        return looksLong;
    }

    /** So many clients are at work, or no longer, that nobody should look for long. */
    void onCrowd(boolean isCrowd) {
        crowd = isCrowd;
    }

    boolean isCrowd() {
        return crowd;
    }

    /** What the clock said when it was last read here: before the last work, or later. */
    long lastTime() {
        return lastTime;
    }

    /** False where it has slept, or has had work, since it last began. */
    boolean isOn() {
        return looking;
    }

    /** After {@link #begin}: true to look once more, false to sleep. */
    boolean again() {
        if (++looks % LOOKS_PER_TIME != 0) {
            return true;
        }
        long now = System.nanoTime();
        if (now - lookedLast > INTERRUPTED_NANOS) {
            SPARE_CORES.interrupted(now);
            lookNanos = 0;
        }
        lookedLast = now;
        looking = now - lookBegan < lookNanos;
        return looking;
    }

    /** There is work, whether it was looked or slept for. */
    void onWork() {
        looking = false;
        if (waiting) {
            waiting = false;
            long now = System.nanoTime();
            lastTime = now;
            counters.onWaitEnded(now);
            // a client that was away says little of the next request
            long took = Math.min(now - waitBegan, 4 * LONG_NANOS);
            expectedNanos += (took - expectedNanos) / 8;
        }
    }

    /**
     * There is no work: true to look for it, false to sleep.
     *
     * @param longIfSpare whether a client may wait for no more than its next request: where many
     *     are under way a wake is paid for by all of them, and the cores are better used by who
     *     works on them.
     */
    boolean begin(boolean longIfSpare) {
        long now = System.nanoTime();
        looksLong =
                WANTED
                        && longIfSpare
                        && !crowd
                        && !waiting
                        && expectedNanos <= LONG_NANOS
                        && SPARE_CORES.left(now);
        if (!waiting) {
            waiting = true;
            waitBegan = now;
            counters.onWaitBegan(now);
        }
        looks = 0;
        lookBegan = now;
        lookedLast = now;
        lookNanos = looksLong ? Math.max(SHORT_NANOS, 2 * expectedNanos) : SHORT_NANOS;
        looking = lookNanos > 0;
        return looking;
    }
}
