package org.rbdwrapper.perf.measure;

/**
 * What some processes used in a time.
 *
 * @param seconds its length.
 * @param cpuSeconds of all cores.
 * @param waits how often a thread slept, and so was woken.
 */
public record Usage(double seconds, double cpuSeconds, long waits) {
    public double percentOfACore() {
        return 100 * cpuSeconds / seconds;
    }
}
