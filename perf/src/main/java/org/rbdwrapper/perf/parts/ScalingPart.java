package org.rbdwrapper.perf.parts;

import org.rbdwrapper.perf.machine.Environment;
import org.rbdwrapper.perf.ways.CephWays;

import java.io.IOException;
import java.util.List;

/** More and more client processes, with the memory and threads of all that take part. */
public record ScalingPart(Environment environment, Plan plan, CephWays ways) {
    public record Result(List<Row> rows) {}

    public Result run() throws IOException {
        return new Result(
                new Rounds(environment, plan, ways.images())
                        .run("scaling", Turn.scaling(plan.barsOnly()), ways.ways()));
    }
}
