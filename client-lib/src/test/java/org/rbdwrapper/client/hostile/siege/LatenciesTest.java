package org.rbdwrapper.client.hostile.siege;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

final class LatenciesTest {
    private static final long MILLI = 1_000_000;

    @Test
    void shouldTellPercentilesOfAnySizeToThreePercent() {
        for (long unit : new long[] {1, 50, 1_000, MILLI, 1_000 * MILLI}) {
            Latencies latencies = new Latencies(0);
            for (int i = 1; i <= 1000; i++) {
                latencies.record(i * unit);
            }
            Latencies.Seen seen = latencies.look();
            assertEquals(1000, seen.calls());
            assertEquals(500.0 * unit, (double) seen.p50(), 500.0 * unit * 0.03 + 1);
            assertEquals(990.0 * unit, (double) seen.p99(), 990.0 * unit * 0.03 + 1);
        }
    }

    @Test
    void shouldCountCallsThatWereDueWhileOneLasted() {
        Latencies latencies = new Latencies(10 * MILLI);
        for (int i = 0; i < 100; i++) {
            latencies.record(MILLI);
        }
        latencies.record(1_000 * MILLI);
        Latencies.Seen seen = latencies.look();
        assertEquals(101, seen.calls());
        assertEquals(980.0 * MILLI, (double) seen.p99(), 40.0 * MILLI);
    }

    @Test
    void shouldCountCallThatDoesNotReturn() throws Exception {
        Latencies latencies = new Latencies(MILLI);
        latencies.begin();
        Thread.sleep(20);
        Latencies.Seen seen = latencies.look();
        assertEquals(0, seen.calls());
        assertTrue(seen.p99() > 15 * MILLI, () -> "p99 " + seen.p99());
        latencies.end();
        latencies.reset();
        assertEquals(new Latencies.Seen(0, 0, 0), latencies.look());
    }
}
