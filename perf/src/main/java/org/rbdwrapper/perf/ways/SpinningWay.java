package org.rbdwrapper.perf.ways;

import org.rbdwrapper.perf.load.Job;
import org.rbdwrapper.perf.load.NativeProgram;
import org.rbdwrapper.perf.machine.ThrowawayCluster;
import org.rbdwrapper.perf.measure.RunningLoad;
import org.rbdwrapper.perf.measure.Timeline;

import java.io.IOException;

/** librbd inside a program that spins for its only request. */
record SpinningWay(NativeProgram program, ThrowawayCluster cluster) implements Way {
    @Override
    public WayKind kind() {
        return WayKind.SPINNING;
    }

    @Override
    public String missing() {
        return program.missing();
    }

    @Override
    public boolean does(Job job) {
        return job.equals(Job.READ_1);
    }

    @Override
    public RunningLoad start(String image, Job job, Timeline timeline) throws IOException {
        return program.start(timeline, cluster.conf().toString(), "admin", "rbd", image);
    }
}
