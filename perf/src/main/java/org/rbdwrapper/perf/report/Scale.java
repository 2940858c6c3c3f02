package org.rbdwrapper.perf.report;

import java.util.ArrayList;
import java.util.List;

/**
 * Where values stand on an axis.
 *
 * @param logarithmic whether equal ratios, not equal differences, are equally far apart.
 * @param min shown, as is max: both stand on the axis' ends.
 * @param from the axis' ends on the drawing.
 */
record Scale(boolean logarithmic, double min, double max, double from, double to) {
    private static final int TICKS_AT_MOST = 7;

    /** Steps within a power of ten. */
    private static final double[] STEPS = {1, 2, 5, 10};

    /** From 0 to a round number beyond the largest. */
    static Scale linear(double largest, double from, double to) {
        double step = step(largest);
        return new Scale(false, 0, Math.max(1, Math.ceil(largest / step)) * step, from, to);
    }

    /** From and to 1, 2 or 5 times a power of ten. Both values are more than 0. */
    static Scale logarithmic(double smallest, double largest, double from, double to) {
        double min = Math.pow(10, Math.floor(Math.log10(smallest)));
        double max = min;
        for (double candidate : STEPS) {
            if (min * candidate > smallest) {
                break;
            }
            max = min * candidate;
        }
        double low = max;
        List<Double> rounds = rounds(low, largest * 10);
        double high =
                rounds.stream().filter(r -> r >= largest && r > low).findFirst().orElseThrow();
        return new Scale(true, low, high, from, to);
    }

    private static double step(double largest) {
        if (largest <= 0) {
            return 1;
        }
        double power = Math.pow(10, Math.floor(Math.log10(largest)));
        for (double part : new double[] {0.1, 0.2, 0.5}) {
            if (largest / (power * part) <= TICKS_AT_MOST) {
                return power * part;
            }
        }
        return power;
    }

    double at(double value) {
        double share =
                logarithmic
                        ? Math.log(value / min) / Math.log(max / min)
                        : (value - min) / (max - min);
        return from + share * (to - from);
    }

    List<Double> ticks() {
        if (logarithmic) {
            return rounds(min, max);
        }
        double step = step(max);
        List<Double> ticks = new ArrayList<>();
        for (int i = 0; i * step <= max * 1.0001; i++) {
            ticks.add(i * step);
        }
        return ticks;
    }

    /** 1, 2 and 5 times powers of ten. */
    private static List<Double> rounds(double low, double high) {
        List<Double> rounds = new ArrayList<>();
        double power = Math.pow(10, Math.floor(Math.log10(low) + 1e-9));
        while (power <= high * 1.0001) {
            for (double step : new double[] {1, 2, 5}) {
                double value = power * step;
                if (value >= low * 0.9999 && value <= high * 1.0001) {
                    rounds.add(value);
                }
            }
            power *= 10;
        }
        return rounds;
    }
}
