package org.rbdwrapper.client.io;

import org.rbdwrapper.ipc.posix.SpareCores;

/**
 * How one thread waits for a channel's next response: it looks for a while, then it sleeps until
 * the broker wakes it.
 *
 * <p>A wake costs tens of microseconds, but who looks takes the core from who works on the answer.
 * So it looks for about twice as long as responses took lately, if that is no longer than a wake;
 * for longer only where cores of the host idle.
 *
 * <p>Used by one thread at a time.
 */
final class ResponseWait {
    /** For who has more than one request under way. */
    static final long SHORT_NANOS = 20_000;

    static final long LONG_NANOS = 500_000;

    private static final boolean WANTED = SpareCores.wanted();
    private static final SpareCores SPARE_CORES = new SpareCores(0.25);
    private static final long SLACK_NANOS = 5_000;
    private static final int LOOKS_PER_TIME = 32;

    /** Between two looks at the clock: somebody else ran here. */
    private static final long INTERRUPTED_NANOS = 1_000_000;

    private final ClientChannel channel;
    private final Liveness liveness;
    private final long longestNanos;
    private long expectedNanos;

    /**
     * @param longestNanos who waits longer than that for responses does not look.
     */
    ResponseWait(ClientChannel channel, Liveness liveness, long longestNanos) {
        this.channel = channel;
        this.liveness = liveness;
        this.longestNanos = longestNanos;
    }

    /** Returns when there is a response, or the broker is gone. */
    void await() {
        if (channel.hasResponse()) {
            return;
        }
        long began = System.nanoTime();
        if (!look(began)) {
            sleep();
        }
        // one that was held up says little of the next
        long took = Math.min(System.nanoTime() - began, 4 * LONG_NANOS);
        expectedNanos += (took - expectedNanos) / 8;
    }

    private boolean look(long began) {
        long forNanos = lookNanos(began);
        long now = began;
        while (now - began < forNanos) {
            for (int i = 0; i < LOOKS_PER_TIME; i++) {
                if (channel.hasResponse()) {
                    return true;
                }
                Thread.onSpinWait();
            }
            long before = now;
            now = System.nanoTime();
            if (now - before > INTERRUPTED_NANOS) {
                SPARE_CORES.interrupted(now);
                return false;
            }
        }
        return false;
    }

    private long lookNanos(long began) {
        boolean looks =
                WANTED
                        && expectedNanos <= longestNanos
                        && (expectedNanos <= SHORT_NANOS || SPARE_CORES.left(began));
        return looks ? 2 * expectedNanos + SLACK_NANOS : 0;
    }

    private void sleep() {
        while (true) {
            channel.waker.announceWaiting();
            if (channel.hasResponse() || liveness.isDead()) {
                channel.waker.cancel();
                return;
            }
            channel.waker.await(0);
        }
    }
}
