package org.rbdwrapper.perf.parts;

import org.rbdwrapper.perf.load.Job;
import org.rbdwrapper.perf.machine.Environment;
import org.rbdwrapper.perf.measure.Stats;
import org.rbdwrapper.perf.measure.WaySample;
import org.rbdwrapper.perf.ways.LocalWays;
import org.rbdwrapper.perf.ways.WayKind;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/** What the path adds to pread and pwrite of a plain file. */
public record StoresPart(Environment environment, Plan plan) {
    /**
     * Of one job and store.
     *
     * @param micros median latency beyond that of the plain file, of each round.
     */
    public record Added(Job job, WayKind way, Stats micros) {}

    public record Result(List<Row> rows, List<Added> added) {}

    public Result run() throws Exception {
        environment.say("stores: starting brokers, filling images");
        try (LocalWays ways = LocalWays.start(environment)) {
            List<Row> rows =
                    new Rounds(environment, plan, ways)
                            .run("stores", Turn.stores(plan.barsOnly()), ways.ways());
            return new Result(rows, added(rows));
        }
    }

    static List<Added> added(List<Row> rows) {
        Map<Job, Row> plain = new LinkedHashMap<>();
        List<Added> added = new ArrayList<>();
        for (Row row : rows) {
            if (row.way() == WayKind.PLAIN_FILE) {
                plain.put(row.job(), row);
            } else {
                List<WaySample> theirs = plain.get(row.job()).samples();
                double[] micros =
                        IntStream.range(0, theirs.size())
                                .mapToDouble(
                                        i ->
                                                row.samples().get(i).p50Micros()
                                                        - theirs.get(i).p50Micros())
                                .toArray();
                added.add(new Added(row.job(), row.way(), Stats.of(micros)));
            }
        }
        return added;
    }
}
