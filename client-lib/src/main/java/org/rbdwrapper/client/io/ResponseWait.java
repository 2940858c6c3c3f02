package org.rbdwrapper.client.io;

/**
 * How one thread waits for a channel's next response: it looks for a while, then it sleeps until
 * the broker wakes it.
 *
 * <p>A wake costs tens of microseconds, so looking pays where the answer comes within about that;
 * where it does not, looking only takes the core from who works on the answer. The time follows
 * what happened last: doubled when the answer came while looking, halved when it did not, and tried
 * anew now and then.
 *
 * <p>Used by one thread at a time.
 */
final class ResponseWait {
    private static final long MAX_NANOS =
            Runtime.getRuntime().availableProcessors() > 1 ? 50_000 : 0;
    private static final long MIN_NANOS = 1_000;
    private static final int TRY_EVERY = 256;
    private static final int LOOKS_PER_TIME = 32;

    private final ClientChannel channel;
    private final Liveness liveness;
    private long budgetNanos = MAX_NANOS;
    private int sinceTry;

    ResponseWait(ClientChannel channel, Liveness liveness) {
        this.channel = channel;
        this.liveness = liveness;
    }

    /** Returns when there is a response, or the broker is gone. */
    void await() {
        if (!channel.hasResponse() && !look()) {
            sleep();
        }
    }

    private boolean look() {
        long budget = budget();
        if (budget == 0) {
            return false;
        }
        long deadline = System.nanoTime() + budget;
        do {
            for (int i = 0; i < LOOKS_PER_TIME; i++) {
                if (channel.hasResponse()) {
                    budgetNanos = Math.min(MAX_NANOS, Math.max(MIN_NANOS, budgetNanos * 2));
                    return true;
                }
                Thread.onSpinWait();
            }
        } while (System.nanoTime() - deadline < 0);
        budgetNanos /= 2;
        return false;
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

    private long budget() {
        if (budgetNanos < MIN_NANOS) {
            return ++sinceTry % TRY_EVERY == 0 ? MAX_NANOS : 0;
        }
        return budgetNanos;
    }
}
