package org.rbdwrapper.perf.soak;

/**
 * How the time is spent: a broker that lives long, some that are soon replaced, and again one that
 * lives long.
 *
 * @param firstMinute seconds from a long life's beginning to its first quiet moment.
 * @param betweenQuiets seconds, within a long life.
 * @param firstLife seconds.
 * @param replacements seconds in which brokers are replaced.
 * @param lastLife seconds.
 * @param betweenReplacements seconds on average.
 * @param betweenClusterBlows seconds on average.
 * @param longestClient seconds.
 * @param betweenReports seconds.
 */
record Schedule(
        double firstMinute,
        double betweenQuiets,
        double firstLife,
        double replacements,
        double lastLife,
        double betweenReplacements,
        double betweenClusterBlows,
        double longestClient,
        double betweenReports) {
    static Schedule of(double minutes) {
        double all = minutes * 60;
        return new Schedule(
                Math.clamp(
                        all / 6, 4,
                        60), // shorter, some of what is made at first use would come later
                Math.clamp(all / 10, 1, 300),
                all * 0.4,
                all * 0.2,
                all * 0.4,
                Math.clamp(all / 120, 2, 20),
                Math.clamp(all / 60, 4, 45),
                Math.clamp(all / 10, 3, 180),
                Math.clamp(all / 60, 5, 60));
    }

    /** Seconds of a run, but for what its quiet moments take. */
    double all() {
        return firstLife + replacements + lastLife;
    }
}
