package org.rbdwrapper.perf;

import org.HdrHistogram.Histogram;

/**
 * One measurement.
 *
 * @param operations that ended within it.
 * @param p50Micros 0, as the other two, where single operations were not timed.
 * @param allocatedPerOperation bytes of Java heap in the measuring process, or -1 where unknown.
 */
record Sample(
        long operations,
        double iops,
        double p50Micros,
        double p99Micros,
        double p999Micros,
        double allocatedPerOperation) {
    private static final double NANOS_PER_SECOND = 1e9;

    static Sample timed(Histogram latencies, long elapsedNanos, double allocatedPerOperation) {
        return new Sample(
                latencies.getTotalCount(),
                latencies.getTotalCount() * NANOS_PER_SECOND / elapsedNanos,
                latencies.getValueAtPercentile(50) / 1e3,
                latencies.getValueAtPercentile(99) / 1e3,
                latencies.getValueAtPercentile(99.9) / 1e3,
                allocatedPerOperation);
    }

    static Sample counted(long operations, long elapsedNanos, double allocatedPerOperation) {
        return new Sample(
                operations,
                operations * NANOS_PER_SECOND / elapsedNanos,
                0,
                0,
                0,
                allocatedPerOperation);
    }
}
