package org.rbdwrapper.perf.parts;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;
import org.rbdwrapper.perf.load.Job;
import org.rbdwrapper.perf.measure.Cost;
import org.rbdwrapper.perf.measure.Sample;
import org.rbdwrapper.perf.measure.Stats;
import org.rbdwrapper.perf.measure.WaySample;
import org.rbdwrapper.perf.ways.WayKind;

import java.util.List;

class StoresPartTest {
    @Test
    void shouldSubtractThePlainFileOfTheSameRound() {
        List<WaySample> plain = List.of(sample(1), sample(3));
        List<Row> rows =
                List.of(
                        Row.of(Job.READ_1, WayKind.PLAIN_FILE, plain, plain),
                        Row.of(
                                Job.READ_1,
                                WayKind.PRELOAD_FILE,
                                List.of(sample(2), sample(6)),
                                plain));
        assertEquals(
                List.of(new StoresPart.Added(Job.READ_1, WayKind.PRELOAD_FILE, new Stats(2, 1, 3))),
                StoresPart.added(rows));
    }

    private static WaySample sample(double p50Micros) {
        return new WaySample(
                new Sample(1, 1, p50Micros, 9, 9, Sample.UNKNOWN), new Cost(1, 1, 1), null);
    }
}
