package org.rbdwrapper.perf.measure;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;

class CostTest {
    @Test
    void shouldDivideEachSideByTheRequestsOfItsOwnTime() {
        Cost cost = Cost.of(new Usage(1, 0.05, 2000), new Usage(2, 0.3, 1000), 1000);
        assertEquals(50, cost.clientCpuMicros(), 1e-9);
        assertEquals(150, cost.serverCpuMicros(), 1e-9);
        assertEquals(200, cost.cpuMicros(), 1e-9);
        assertEquals(2.5, cost.wakes(), 1e-9);
    }
}
