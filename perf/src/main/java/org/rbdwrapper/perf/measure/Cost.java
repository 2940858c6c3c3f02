package org.rbdwrapper.perf.measure;

/**
 * What a request took.
 *
 * @param clientCpuMicros processor time of the program's processes.
 * @param serverCpuMicros of those that serve it.
 * @param wakes how often any thread of either had slept and was woken.
 */
public record Cost(double clientCpuMicros, double serverCpuMicros, double wakes) {
    static Cost of(Usage clients, Usage servers, double iops) {
        return new Cost(
                clients.cpuSeconds() * 1e6 / (iops * clients.seconds()),
                servers.cpuSeconds() * 1e6 / (iops * servers.seconds()),
                clients.waits() / (iops * clients.seconds())
                        + servers.waits() / (iops * servers.seconds()));
    }

    public double cpuMicros() {
        return clientCpuMicros + serverCpuMicros;
    }
}
