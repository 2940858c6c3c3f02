package org.rbdwrapper.client.io;

import org.rbdwrapper.ipc.posix.SpareCores;

/**
 * How one thread waits for a channel's next response: it looks for a while, then it sleeps until
 * the broker wakes it.
 *
 * <p>A wake costs tens of microseconds, so looking pays where the answer comes within about that;
 * where it does not, looking takes the core from who works on the answer. The short look follows
 * what happened last: doubled when the answer came within it, halved when it did not, and tried
 * anew now and then. Where cores of the host idle, and the broker does not say that too many
 * clients want them, who has one request under way looks on, for about twice as long as answers
 * took lately.
 *
 * <p>Used by one thread at a time.
 */
final class ResponseWait {
    private static final boolean WANTED = SpareCores.wanted();
    private static final SpareCores SPARE_CORES = SpareCores.forLooking(0.25);
    private static final long SHORT_NANOS = WANTED ? 50_000 : 0;
    private static final long LEAST_NANOS = 1_000;
    private static final long LONG_NANOS = 1_500_000;
    private static final int TRY_EVERY = 64;
    private static final int LOOKS_PER_TIME = 32;

    /** Between two looks at the clock: somebody else ran here. */
    private static final long INTERRUPTED_NANOS = 1_000_000;

    private final ClientChannel channel;
    private final Liveness liveness;
    private final boolean oneAtATime;
    private long shortNanos = SHORT_NANOS;
    private int sinceTry;
    private long expectedNanos;

    /**
     * @param oneAtATime whether no other request is under way.
     */
    ResponseWait(ClientChannel channel, Liveness liveness, boolean oneAtATime) {
        this.channel = channel;
        this.liveness = liveness;
        this.oneAtATime = oneAtATime;
    }

    /** Returns when there is a response, or the broker is gone. */
    void await() {
        if (channel.hasResponse()) {
            return;
        }
        long began = System.nanoTime();
        boolean seen = look(began);
        if (!seen) {
            sleep();
        }
        learn(System.nanoTime() - began, seen);
    }

    private boolean look(long began) {
        long forNanos = Math.max(shortLook(), longLook(began));
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

    private long shortLook() {
        if (shortNanos < LEAST_NANOS) {
            return ++sinceTry % TRY_EVERY == 0 ? SHORT_NANOS : 0;
        }
        return shortNanos;
    }

    private long longLook(long began) {
        boolean looks =
                WANTED
                        && oneAtATime
                        && expectedNanos > shortNanos
                        && expectedNanos <= LONG_NANOS
                        && !channel.crowdNotice.isCrowd()
                        && SPARE_CORES.left(began);
        return looks ? 2 * expectedNanos : 0;
    }

    private void learn(long tookNanos, boolean seen) {
        if (seen && tookNanos <= SHORT_NANOS) {
            shortNanos = Math.min(SHORT_NANOS, 2 * Math.max(shortNanos, tookNanos));
        } else {
            shortNanos /= 2;
        }
        // one that was held up says little of the next
        expectedNanos += (Math.min(tookNanos, 4 * LONG_NANOS) - expectedNanos) / 8;
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
