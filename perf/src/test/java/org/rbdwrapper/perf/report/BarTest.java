package org.rbdwrapper.perf.report;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;
import org.rbdwrapper.perf.measure.Stats;

class BarTest {
    @Test
    void shouldJudgeByTheMedian() {
        assertEquals("MISSED", Bar.atLeast("x", 1.0, 1.5, new Stats(0.99, 0.9, 2)).verdict());
        assertEquals("met", Bar.atLeast("x", 1.0, 1.5, new Stats(1.0, 0.9, 2)).verdict());
        assertEquals(
                "met, and the aim", Bar.atLeast("x", 1.0, 1.5, new Stats(1.5, 0.9, 2)).verdict());
        assertEquals("MISSED", Bar.atMost("x", 2, 1.5, new Stats(2.1, 1, 3)).verdict());
        assertEquals("met", Bar.atMost("x", 2, 1.5, new Stats(2, 1, 3)).verdict());
    }

    @Test
    void shouldNotTakeWhatWasNotMeasuredForMet() {
        assertEquals("not measured", Bar.atMost("x", 2, 1.5, null).verdict());
    }
}
