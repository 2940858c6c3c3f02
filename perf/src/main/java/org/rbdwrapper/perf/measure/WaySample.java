package org.rbdwrapper.perf.measure;

/**
 * One measurement of a load with all that took part.
 *
 * @param footprint null where it was not asked for.
 */
public record WaySample(Sample load, Cost cost, Footprint footprint) {
    public double iops() {
        return load.iops();
    }

    public double p50Micros() {
        return load.p50Micros();
    }

    public double p99Micros() {
        return load.p99Micros();
    }

    public double p999Micros() {
        return load.p999Micros();
    }

    public double cpuMicros() {
        return cost.cpuMicros();
    }

    public double wakes() {
        return cost.wakes();
    }
}
