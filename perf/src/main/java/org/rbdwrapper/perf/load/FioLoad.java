package org.rbdwrapper.perf.load;

import org.rbdwrapper.perf.machine.Child;
import org.rbdwrapper.perf.machine.Environment;
import org.rbdwrapper.perf.measure.RunningLoad;
import org.rbdwrapper.perf.measure.Sample;
import org.rbdwrapper.perf.measure.Timeline;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/** fio at work; each of its clients is a process. */
public record FioLoad(Child child, Duration limit) implements RunningLoad {
    private static final Duration SPARE = Duration.ofMinutes(1);

    /** Null where fio and its rbd engine are installed, else what is missing. */
    public static String missing(Environment environment) {
        try {
            Child child =
                    Child.start(
                            "fio",
                            List.of("fio", "--enghelp=rbd"),
                            Map.of(),
                            environment.scratch().resolve("fio.help"));
            String help = environment.cleanup().add(child).await(SPARE);
            return help.contains("rbdname") ? null : "fio is without its rbd engine";
        } catch (IOException e) {
            return "fio with its rbd engine is missing: install the package fio ("
                    + e.getMessage()
                    + ")";
        }
    }

    /**
     * @param way whose words are in messages.
     * @param engine fio's engine and what it needs to find the image.
     * @param bytes of the image that are used.
     * @param variables more for its environment.
     */
    public static FioLoad start(
            Environment environment,
            String way,
            Job job,
            List<String> engine,
            long bytes,
            Timeline timeline,
            Map<String, String> variables)
            throws IOException {
        List<String> command =
                new ArrayList<>(
                        List.of(
                                "fio",
                                "--name=compare",
                                "--size=" + bytes,
                                "--time_based",
                                "--ramp_time=" + millis(timeline.rampSeconds()) + "ms",
                                "--runtime=" + millis(timeline.seconds()) + "ms",
                                "--output-format=json"));
        command.addAll(engine);
        command.addAll(job.fioOptions());
        Child child =
                Child.start(
                        "fio by " + way,
                        command,
                        variables,
                        environment.scratch().resolve("fio.out"));
        environment.cleanup().add(child);
        return new FioLoad(child, SPARE.plusMillis(millis(timeline.seconds())));
    }

    /** Writes a whole image: reads of what was never written would not reach the OSD. */
    public static void fill(Environment environment, Path conf, String image, long bytes)
            throws IOException {
        Child child =
                Child.start(
                        "fio that fills " + image,
                        List.of(
                                "fio",
                                "--name=fill",
                                "--ioengine=rbd",
                                "--clientname=admin",
                                "--pool=rbd",
                                "--rbdname=" + image,
                                // no process of its own that could outlive it
                                "--thread",
                                "--rw=write",
                                "--bs=4M",
                                "--iodepth=4",
                                "--size=" + bytes),
                        Map.of("CEPH_CONF", conf.toString()),
                        environment.scratch().resolve("fill.out"));
        environment.cleanup().add(child).await(SPARE);
    }

    private static long millis(double seconds) {
        return Math.round(seconds * 1000);
    }

    @Override
    public List<Long> pids() {
        return Stream.concat(Stream.of(child.process().toHandle()), child.process().descendants())
                .map(ProcessHandle::pid)
                .toList();
    }

    @Override
    public Sample await() throws IOException {
        try (child) {
            return FioOutput.parse(child.await(limit));
        }
    }
}
