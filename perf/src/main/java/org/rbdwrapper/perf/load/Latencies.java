package org.rbdwrapper.perf.load;

import org.HdrHistogram.Histogram;
import org.rbdwrapper.perf.measure.Sample;

import java.util.concurrent.TimeUnit;

/** Times operations one after the other: the end of one is the beginning of the next. */
public final class Latencies {
    private static final int DIGITS = 3;

    private Latencies() {}

    /** What is timed. */
    public interface Step {
        void run() throws Exception;
    }

    /** Up to 30 s, three digits, in nanoseconds; does not allocate when it records. */
    public static Histogram histogram() {
        return new Histogram(TimeUnit.SECONDS.toNanos(30), DIGITS);
    }

    /** Repeats the step for so long; returns the nanoseconds that it really took. */
    public static long repeat(Step step, double seconds, Histogram into) throws Exception {
        long start = System.nanoTime();
        long end = start + (long) (seconds * 1e9);
        long before = start;
        while (before < end) {
            step.run();
            long now = System.nanoTime();
            into.recordValue(now - before);
            before = now;
        }
        return before - start;
    }

    /** A sample after a fifth of its length unmeasured. */
    public static Sample sample(Step step, double seconds) throws Exception {
        repeat(step, seconds / 5, histogram());
        Histogram latencies = histogram();
        return Sample.of(latencies, repeat(step, seconds, latencies), Sample.UNKNOWN);
    }
}
