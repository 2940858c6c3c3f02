package org.rbdwrapper.perf.parts;

import org.rbdwrapper.perf.load.Job;
import org.rbdwrapper.perf.machine.BrokerAllocation;
import org.rbdwrapper.perf.machine.Environment;
import org.rbdwrapper.perf.measure.Timeline;
import org.rbdwrapper.perf.ways.CephWays;
import org.rbdwrapper.perf.ways.Way;
import org.rbdwrapper.perf.ways.WayKind;

import java.io.IOException;
import java.util.List;

/** The same jobs through every way to a cluster's images. */
public record WaysPart(Environment environment, Plan plan, CephWays ways) {
    /**
     * @param brokerBytesPerRequest Java heap that the broker's threads allocated, random reads of
     *     depth 64.
     */
    public record Result(List<Row> rows, double brokerBytesPerRequest) {}

    public Result run() throws IOException {
        List<Row> rows =
                new Rounds(environment, plan, ways.images())
                        .run("ways", Turn.ways(plan.barsOnly()), ways.ways());
        return new Result(rows, brokerBytesPerRequest());
    }

    private double brokerBytesPerRequest() throws IOException {
        environment.say("allocation of the broker");
        Way java =
                ways.ways().stream()
                        .filter(way -> way.kind() == WayKind.JAVA)
                        .findFirst()
                        .orElseThrow();
        Job job = Job.READ_64;
        String image = ways.images().acquire(job);
        java.begin(image);
        try {
            long before = BrokerAllocation.bytes(environment, ways.broker());
            long requests =
                    java.start(image, job, new Timeline(0, plan.seconds())).await().operations();
            long after = BrokerAllocation.bytes(environment, ways.broker());
            return (double) (after - before) / requests;
        } finally {
            java.end(image);
            ways.images().release(image, job);
        }
    }
}
