package org.rbdwrapper.perf.report;

import org.rbdwrapper.perf.measure.Stats;

import java.util.Locale;

/** Numbers for people. */
final class Numbers {
    private Numbers() {}

    static String fixed(double value, int digits) {
        return String.format(Locale.ROOT, "%." + digits + "f", value);
    }

    /** Three digits that count, at least. */
    static String micros(double value) {
        return fixed(value, value < 10 ? 2 : value < 100 ? 1 : 0);
    }

    /** Median (min-max). */
    static String spread(Stats stats) {
        int digits = Math.max(Math.abs(stats.median()), stats.max()) < 0.1 ? 4 : 2;
        return "%s (%s-%s)"
                .formatted(
                        fixed(stats.median(), digits),
                        fixed(stats.min(), digits),
                        fixed(stats.max(), digits));
    }

    /** Without needless zeros. */
    static String plain(double value) {
        return value == Math.rint(value)
                ? Long.toString(Math.round(value))
                : Double.toString(value);
    }
}
