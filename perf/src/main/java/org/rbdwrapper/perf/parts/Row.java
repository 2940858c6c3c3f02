package org.rbdwrapper.perf.parts;

import org.rbdwrapper.perf.load.Job;
import org.rbdwrapper.perf.measure.Stats;
import org.rbdwrapper.perf.measure.WaySample;
import org.rbdwrapper.perf.ways.WayKind;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.ToDoubleFunction;

/**
 * What one way made of one job.
 *
 * @param samples one of each round.
 * @param ratios figures over those of the job's yardstick, of each round.
 */
public record Row(Job job, WayKind way, List<WaySample> samples, Map<String, Stats> ratios) {
    static Row of(Job job, WayKind way, List<WaySample> samples, List<WaySample> yardstick) {
        Map<String, Stats> ratios = new LinkedHashMap<>();
        ratios.put("iops", ratio(samples, yardstick, WaySample::iops));
        ratios.put("p50", ratio(samples, yardstick, WaySample::p50Micros));
        ratios.put("p99", ratio(samples, yardstick, WaySample::p99Micros));
        ratios.put("cpu", ratio(samples, yardstick, WaySample::cpuMicros));
        if (samples.getFirst().footprint() != null) {
            ratios.put("pss", ratio(samples, yardstick, s -> s.footprint().pssKib()));
            ratios.put("threads", ratio(samples, yardstick, s -> s.footprint().threads()));
        }
        return new Row(job, way, samples, ratios);
    }

    /** Median and extremes of a figure. */
    public Stats figure(ToDoubleFunction<WaySample> figure) {
        return Stats.of(samples, figure);
    }

    public static Optional<Row> find(List<Row> rows, Job job, WayKind way) {
        return rows.stream().filter(row -> row.job().equals(job) && row.way() == way).findFirst();
    }

    /** Of each round's pair. */
    public static Stats ratio(
            List<WaySample> ours, List<WaySample> theirs, ToDoubleFunction<WaySample> figure) {
        return Stats.ofRatios(
                ours.stream().map(figure::applyAsDouble).toList(),
                theirs.stream().map(figure::applyAsDouble).toList());
    }
}
