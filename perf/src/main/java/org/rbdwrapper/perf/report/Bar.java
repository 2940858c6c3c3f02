package org.rbdwrapper.perf.report;

import org.rbdwrapper.perf.measure.Stats;

/**
 * A figure that must hold.
 *
 * @param measured null where this run did not measure it.
 * @param atMost whether the figure must not be more than the bar; else not less.
 */
public record Bar(String what, Stats measured, boolean atMost, double bar, double aim) {
    static Bar atLeast(String what, double bar, double aim, Stats measured) {
        return new Bar(what, measured, false, bar, aim);
    }

    static Bar atMost(String what, double bar, double aim, Stats measured) {
        return new Bar(what, measured, true, bar, aim);
    }

    /** By its median. */
    String verdict() {
        if (measured == null) {
            return "not measured";
        }
        if (!holds(bar)) {
            return "MISSED";
        }
        return holds(aim) ? "met, and the aim" : "met";
    }

    private boolean holds(double limit) {
        return atMost ? measured.median() <= limit : measured.median() >= limit;
    }

    String limit(double value) {
        return (atMost ? "<= " : ">= ") + Numbers.plain(value);
    }
}
