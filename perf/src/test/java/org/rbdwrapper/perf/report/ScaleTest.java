package org.rbdwrapper.perf.report;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

import java.util.List;

class ScaleTest {
    @Test
    void shouldBeginALinearAxisAtZeroAndEndItAtARoundNumber() {
        Scale scale = Scale.linear(47, 100, 200);
        assertEquals(0, scale.min());
        assertEquals(50, scale.max());
        assertEquals(List.of(0.0, 10.0, 20.0, 30.0, 40.0, 50.0), scale.ticks());
        assertEquals(150, scale.at(25));
    }

    @Test
    void shouldPutEqualRatiosEquallyFarApart() {
        Scale scale = Scale.logarithmic(120, 9000, 300, 0);
        assertEquals(100, scale.min(), 1e-9);
        assertEquals(10000, scale.max(), 1e-6);
        assertEquals(150, scale.at(1000), 1e-6);
        assertEquals(7, scale.ticks().size());
    }

    @Test
    void shouldHaveRoomForASingleValueAndForNone() {
        Scale logarithmic = Scale.logarithmic(100, 100, 0, 10);
        assertTrue(logarithmic.max() > logarithmic.min());
        assertTrue(logarithmic.at(100) >= 0);
        assertEquals(0, Scale.linear(0, 0, 10).at(0));
    }

    @Test
    void shouldKeepTinyAndHugeValuesOnTheDrawing() {
        for (double value : new double[] {1e-6, 0.3, 1, 999_999, 1e9}) {
            Scale linear = Scale.linear(value, 0, 10);
            assertTrue(linear.at(value) <= 10 && linear.ticks().size() <= 12, linear.toString());
            Scale logarithmic = Scale.logarithmic(value, value * 30, 0, 10);
            assertTrue(logarithmic.at(value) >= -1e-6, logarithmic.toString());
            assertTrue(logarithmic.at(value * 30) <= 10 + 1e-6, logarithmic.toString());
        }
    }
}
