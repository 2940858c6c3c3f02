package org.rbdwrapper.perf.measure;

/**
 * When a load does what: it starts up, works unmeasured for a ramp, then is measured.
 *
 * @param rampSeconds long enough to also cover the start-up's uncertainty.
 */
public record Timeline(double rampSeconds, double seconds) {
    /** No client is ready sooner. */
    private static final double LEAST_STARTUP_SECONDS = 0.05;

    private static final double LEAST_RAMP_SECONDS = 0.35;

    public static Timeline of(double seconds) {
        return new Timeline(Math.max(LEAST_RAMP_SECONDS, seconds / 5), seconds);
    }

    /** From the start of the load to where processor time and wakes are counted. */
    double windowBegin() {
        return LEAST_STARTUP_SECONDS + rampSeconds + seconds * 0.05;
    }

    /** What is left of the load serves to look at its memory. */
    double windowEnd() {
        return LEAST_STARTUP_SECONDS + rampSeconds + seconds * 0.75;
    }
}
