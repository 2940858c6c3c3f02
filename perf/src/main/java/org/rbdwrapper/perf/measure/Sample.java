package org.rbdwrapper.perf.measure;

import org.HdrHistogram.Histogram;

/**
 * What a load found of itself.
 *
 * @param operations that ended within it.
 * @param p50Micros of the reads, or of the writes where nothing was read; likewise the others.
 * @param allocatedPerOperation bytes of Java heap in the measuring process, or -1 where unknown.
 */
public record Sample(
        long operations,
        double iops,
        double p50Micros,
        double p99Micros,
        double p999Micros,
        double allocatedPerOperation) {
    private static final double NANOS_PER_SECOND = 1e9;

    /** No Java program, or not known. */
    public static final double UNKNOWN = -1;

    /**
     * @param latencies in nanoseconds, one of each operation.
     */
    public static Sample of(Histogram latencies, long elapsedNanos, double allocatedPerOperation) {
        return new Sample(
                latencies.getTotalCount(),
                latencies.getTotalCount() * NANOS_PER_SECOND / elapsedNanos,
                latencies.getValueAtPercentile(50) / 1e3,
                latencies.getValueAtPercentile(99) / 1e3,
                latencies.getValueAtPercentile(99.9) / 1e3,
                allocatedPerOperation);
    }
}
