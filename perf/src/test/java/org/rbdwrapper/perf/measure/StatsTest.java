package org.rbdwrapper.perf.measure;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import org.junit.jupiter.api.Test;

import java.util.List;

class StatsTest {
    @Test
    void shouldTakeTheMiddleOfAnOddNumber() {
        assertEquals(new Stats(3, 1, 100), Stats.of(100, 1, 3));
    }

    @Test
    void shouldTakeTheMeanOfTheTwoInTheMiddleOfAnEvenNumber() {
        assertEquals(new Stats(2.5, 1, 100), Stats.of(100, 1, 3, 2));
    }

    @Test
    void shouldDivideWithinPairs() {
        assertEquals(
                new Stats(2, 0.5, 4),
                Stats.ofRatios(List.of(10.0, 20.0, 40.0), List.of(20.0, 10.0, 10.0)));
    }

    @Test
    void shouldRefuseNothing() {
        assertThrows(IllegalArgumentException.class, () -> Stats.of());
    }
}
