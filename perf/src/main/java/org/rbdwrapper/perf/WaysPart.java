package org.rbdwrapper.perf;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The same jobs of fio through every way to an image that this machine has, in turns: each round
 * runs a job through all of them, and each figure stands beside that of librbd in the program in
 * the same round.
 */
final class WaysPart {
    private static final long IMAGE_BYTES = 128L << 20;
    private static final Map<String, String> ASLEEP = Map.of("RBDW_SPIN", "off");
    private static final Duration SPARE = Duration.ofMinutes(1);

    private final Environment environment;
    private final Plan plan;
    private final List<FioJob> jobs;

    WaysPart(Environment environment, Plan plan, List<FioJob> jobs) {
        this.environment = environment;
        this.plan = plan;
        this.jobs = jobs;
    }

    /** A broker of ours, and who maps images at it. */
    private record Ours(
            Environment environment,
            BrokerProcess broker,
            LoadClient client,
            Map<String, String> settings)
            implements AutoCloseable {
        static Ours start(
                Environment environment,
                ThrowawayCluster cluster,
                String name,
                Map<String, String> settings)
                throws IOException {
            BrokerProcess broker =
                    BrokerProcess.start(environment, name, "ceph:" + cluster.conf(), settings);
            return new Ours(
                    environment,
                    broker,
                    LoadClient.start(environment, broker.runDir(), name),
                    settings);
        }

        Way way(String name) {
            Path library = environment.root().resolve("adm/target/rbdwrapper/lib/librbdwrapper.so");
            return new PreloadWay(name, library, broker, client, settings);
        }

        @Override
        public void close() throws IOException {
            client.close();
            broker.close();
        }
    }

    /**
     * Of one job and way.
     *
     * @param iopsRatio of the yardstick's, of each round; likewise the others.
     */
    record Row(
            String job,
            String way,
            List<FioSample> samples,
            Stats iopsRatio,
            Stats p99Ratio,
            Stats cpuRatio) {}

    /**
     * @param leftOut ways that this machine does not have, and why.
     */
    record Result(List<Row> rows, Map<String, String> leftOut) {}

    Result run() throws Exception {
        environment.say("ways part: starting a cluster");
        try (ThrowawayCluster cluster = ThrowawayCluster.start(environment);
                Ours ours = Ours.start(environment, cluster, "ways", Map.of());
                Ours asleep = Ours.start(environment, cluster, "asleep", ASLEEP)) {
            Map<String, String> leftOut = new LinkedHashMap<>();
            List<Way> ways = ways(cluster, ours, asleep, leftOut);
            List<Row> rows = new ArrayList<>();
            String shared = image(cluster, "compare-all");
            for (FioJob job : jobs) {
                rows.addAll(measure(job, ways, cluster, shared));
            }
            return new Result(rows, leftOut);
        }
    }

    private List<Way> ways(
            ThrowawayCluster cluster, Ours ours, Ours asleep, Map<String, String> leftOut) {
        List<Way> ways = new ArrayList<>();
        for (Way way :
                List.of(
                        new InProcessWay(cluster),
                        ours.way("librbdwrapper.so"),
                        asleep.way("  futex waits only"),
                        new QemuNbdWay(environment, cluster),
                        new RbdFuseWay(environment, cluster))) {
            if (way.missing().isEmpty()) {
                ways.add(way);
            } else {
                leftOut.put(way.name(), way.missing());
                environment.say("ways part: without " + way.name() + ": " + way.missing());
            }
        }
        return ways;
    }

    private List<Row> measure(FioJob job, List<Way> ways, ThrowawayCluster cluster, String shared)
            throws IOException {
        Map<Way, List<FioSample>> samples = new LinkedHashMap<>();
        for (int round = 1; round <= plan.cephPairs(); round++) {
            environment.say(
                    "ways part: %s: round %d of %d".formatted(job.name(), round, plan.cephPairs()));
            for (int i = 0; i < ways.size(); i++) {
                // each round begins with another one
                Way way = ways.get((i + round) % ways.size());
                String image =
                        job.writes()
                                ? image(
                                        cluster,
                                        "compare-" + job.hashCode() + "-" + round + "-" + i)
                                : shared;
                samples.computeIfAbsent(way, w -> new ArrayList<>()).add(sample(way, image, job));
                if (job.writes()) {
                    cluster.remove(image);
                }
            }
        }
        List<FioSample> yardstick = samples.get(ways.getFirst());
        return ways.stream()
                .map(
                        way -> {
                            List<FioSample> ours = samples.get(way);
                            return new Row(
                                    job.name(),
                                    way.name(),
                                    ours,
                                    ratio(ours, yardstick, FioSample::iops),
                                    ratio(ours, yardstick, FioSample::p99Micros),
                                    ratio(ours, yardstick, FioSample::cpuMicros));
                        })
                .toList();
    }

    private static Stats ratio(
            List<FioSample> ours,
            List<FioSample> theirs,
            java.util.function.Function<FioSample, Double> figure) {
        return Stats.ofRatios(
                ours.stream().map(figure).toList(), theirs.stream().map(figure).toList());
    }

    private FioSample sample(Way way, String image, FioJob job) throws IOException {
        way.begin(image);
        try {
            return fio(way, image, job);
        } finally {
            way.end(image);
        }
    }

    private FioSample fio(Way way, String image, FioJob job) throws IOException {
        List<String> command =
                new ArrayList<>(
                        List.of(
                                "fio",
                                "--name=compare",
                                "--direct=1",
                                "--size=" + IMAGE_BYTES,
                                "--time_based",
                                "--runtime=" + (long) (plan.cephSeconds() * 1000) + "ms",
                                "--output-format=json"));
        command.addAll(way.options(image, job));
        command.addAll(job.options());
        double before = ProcessorTime.of(way.servers()) + ProcessorTime.ofEndedChildren();
        try (Child child =
                Child.start(
                        "fio by " + way.name().strip(),
                        command,
                        way.environment(),
                        environment.scratch().resolve("fio.out"))) {
            String output =
                    environment
                            .cleanup()
                            .add(child)
                            .await(SPARE.plusMillis((long) (plan.cephSeconds() * 1000)));
            double after = ProcessorTime.of(way.servers()) + ProcessorTime.ofEndedChildren();
            return FioSample.parse(output, after - before);
        }
    }

    /** A new image that is full: reads of what was never written would not reach the OSD. */
    private String image(ThrowawayCluster cluster, String name) throws IOException {
        cluster.create(name, IMAGE_BYTES);
        new FioRun(environment, cluster.conf(), name).fill(IMAGE_BYTES);
        return name;
    }
}
