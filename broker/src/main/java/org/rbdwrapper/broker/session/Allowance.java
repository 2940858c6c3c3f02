package org.rbdwrapper.broker.session;

/**
 * What a user may have of something that is there again with time: so much at once where he has had
 * nothing for a while, and so much a second in the long run. He may take more than is left when he
 * takes it, and then waits until that is made up for.
 *
 * <p>One thread.
 */
final class Allowance {
    private final double nanosEach;
    private final long burstNanos;

    /** When all of it is there again, of {@link System#nanoTime}. */
    private long wholeAt;

    /**
     * @param perSecond what comes back in a second.
     * @param burst the most that is there.
     * @param now of {@link System#nanoTime}, as everywhere here.
     */
    Allowance(long perSecond, long burst, long now) {
        this.nanosEach = 1e9 / perSecond;
        this.burstNanos = Math.round(burst * nanosEach);
        this.wholeAt = now;
    }

    void take(long amount, long now) {
        wholeAt = (isWhole(now) ? now : wholeAt) + Math.round(amount * nanosEach);
    }

    /** Whether nothing is to be made up for. */
    boolean isLeft(long now) {
        return nanosUntilLeft(now) == 0;
    }

    /** How long until {@link #isLeft}, in nanoseconds. */
    long nanosUntilLeft(long now) {
        return Math.max(0, wholeAt - now - burstNanos);
    }

    /** Whether all is there, as of one who comes for the first time. */
    boolean isWhole(long now) {
        return wholeAt - now <= 0;
    }
}
