package org.rbdwrapper.perf.parts;

import org.rbdwrapper.perf.load.WritingWatch;
import org.rbdwrapper.perf.machine.Environment;
import org.rbdwrapper.perf.machine.ThrowawayCluster;
import org.rbdwrapper.perf.measure.Stats;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/**
 * How long a program that writes has to wait while its broker is replaced: by {@code restart}, and
 * by a kill and a start.
 *
 * <p>On Ceph the image has an exclusive lock, which the next broker takes.
 */
public record PausePart(Environment environment, Plan plan) {
    private static final String IMAGE = "written";
    private static final int IMAGE_MIB = 64;

    /** So that the writer is at work again before the next blow. */
    private static final int WRITES_BETWEEN = 300;

    /**
     * @param store {@code file} or {@code ceph}.
     * @param restartSeconds the slowest write while {@code restart} ran.
     * @param killSeconds the slowest write from the kill, after which the next broker was started
     *     at once.
     */
    public record Pause(String store, Stats restartSeconds, Stats killSeconds) {}

    /**
     * @param withoutCeph why there is no figure on Ceph; null where there is.
     */
    public record Result(List<Pause> pauses, String withoutCeph) {}

    public Result run() throws IOException {
        List<Pause> pauses = new ArrayList<>();
        pauses.add(measure("file", "file"));
        String missing = ThrowawayCluster.missing(environment);
        if (missing == null) {
            try (ThrowawayCluster cluster = ThrowawayCluster.start(environment)) {
                pauses.add(measure("ceph", "ceph:" + cluster.conf()));
            }
        }
        return new Result(List.copyOf(pauses), missing);
    }

    private Pause measure(String name, String store) throws IOException {
        Progress progress = new Progress(environment, "pause, " + name + " store", plan.rounds());
        List<Double> restarts = new ArrayList<>();
        List<Double> kills = new ArrayList<>();
        try (DetachedBroker broker = DetachedBroker.start(environment, "pause-" + name, store)) {
            broker.adm("create", IMAGE, "--size", IMAGE_MIB + "M");
            String path = broker.adm("map", IMAGE).lines().toList().getLast();
            try (WritingWatch writer =
                    WritingWatch.start(broker.runDir(), path, (long) IMAGE_MIB << 20)) {
                for (int round = 0; round < plan.rounds(); round++) {
                    progress.step("restart, kill");
                    restarts.add(slowest(writer, broker::restart));
                    kills.add(
                            slowest(
                                    writer,
                                    () -> {
                                        broker.kill();
                                        broker.restart();
                                    }));
                }
            }
        }
        return new Pause(
                name,
                Stats.of(restarts, Double::doubleValue),
                Stats.of(kills, Double::doubleValue));
    }

    private static double slowest(WritingWatch writer, Blow blow) throws IOException {
        writer.await(WRITES_BETWEEN);
        writer.begin();
        blow.strike();
        writer.await(WRITES_BETWEEN);
        return writer.longestNanos() / 1e9;
    }

    private interface Blow {
        void strike() throws IOException;
    }
}
