package org.rbdwrapper.broker.messenger;

/**
 * Whether the threads of a connection do better gathered on one core, found by trying.
 *
 * <p>A request that is alone wakes each of these threads in turn. Spread over cores that sleep
 * meanwhile, each wake costs tens of microseconds, gathered some few; but the threads must wait for
 * one another, and for whoever else runs on that core. So while requests come one at a time some
 * hundred are timed with the threads spread, and as many with the threads gathered. Gathered they
 * stay for as long as that is better than spread was; now and then it is tried again. Where
 * requests overlap, or cores are scarce, they are spread.
 *
 * <pre>
 *   SPREAD, timed ──▶ GATHERED, timed ── better ──▶ GATHERED ── worse, or long ago ──▶ SPREAD, timed
 *                                     └─ no use ──▶ SPREAD, for a while ─────────────▶ SPREAD, timed
 * </pre>
 *
 * <p>Owned by the messenger's thread. Allocates nothing.
 */
final class PlacementTrial {
    /** What is to be done now. */
    enum Advice {
        STAY,
        GATHER,
        SPREAD
    }

    /** Requests after a change that are not timed. */
    static final int SETTLING = 32;

    /** Requests that a mean is taken of. */
    static final int SAMPLE = 256;

    /** Requests until it is tried again; twice as many each time that it was of no use. */
    static final int HOLD = 32 * SAMPLE;

    static final int LONGEST_HOLD = 16 * HOLD;

    /** So many overlapping requests end it, with fewer than {@link #SETTLING} others in a row. */
    static final int CROWD = 8;

    /** A pause of the client: it says nothing of the threads. */
    static final long PAUSE_NANOS = 2_000_000;

    /** A gain below this is noise. */
    private static final double WORTH_IT = 0.95;

    private boolean gathered;
    private boolean holding;
    private int hold = HOLD;
    private int nextHold = HOLD;
    private int held;
    private int settled;
    private int timed;
    private long timedNanos;
    private double spreadMean;
    private long last;
    private boolean lastKnown;
    private int crowd;
    private int aloneSinceCrowd;

    /**
     * A request came, and no other is under way.
     *
     * @param now of {@link System#nanoTime}.
     */
    Advice onAlone(long now) {
        long took = now - last;
        boolean counts = lastKnown && took < PAUSE_NANOS;
        last = now;
        lastKnown = true;
        if (crowd > 0 && ++aloneSinceCrowd >= SETTLING) {
            crowd = 0;
        }
        if (!counts) {
            return Advice.STAY;
        }
        if (holding && ++held >= hold) {
            return beginAnew();
        }
        if (settled < SETTLING) {
            settled++;
            return Advice.STAY;
        }
        timedNanos += took;
        if (++timed < SAMPLE) {
            return Advice.STAY;
        }
        double mean = (double) timedNanos / timed;
        timed = 0;
        timedNanos = 0;
        return onSample(mean);
    }

    /** Several requests are under way. */
    Advice onCrowd() {
        lastKnown = false;
        aloneSinceCrowd = 0;
        return ++crowd % CROWD == 0 ? beginAnew() : Advice.STAY;
    }

    /** Others need the cores. */
    Advice onScarceCores() {
        lastKnown = false;
        return beginAnew();
    }

    private Advice onSample(double mean) {
        if (holding) {
            return gathered && mean >= spreadMean ? beginAnew() : Advice.STAY;
        }
        if (!gathered) {
            spreadMean = mean;
            gathered = true;
            settled = 0;
            return Advice.GATHER;
        }
        holding = true;
        held = 0;
        if (mean < WORTH_IT * spreadMean) {
            hold = HOLD;
            nextHold = HOLD;
            return Advice.STAY;
        }
        hold = nextHold;
        nextHold = Math.min(2 * nextHold, LONGEST_HOLD);
        return spread();
    }

    private Advice beginAnew() {
        holding = false;
        settled = 0;
        timed = 0;
        timedNanos = 0;
        return gathered ? spread() : Advice.STAY;
    }

    private Advice spread() {
        gathered = false;
        return Advice.SPREAD;
    }
}
