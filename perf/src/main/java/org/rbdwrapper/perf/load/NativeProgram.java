package org.rbdwrapper.perf.load;

import org.HdrHistogram.Histogram;
import org.rbdwrapper.perf.machine.Child;
import org.rbdwrapper.perf.machine.Environment;
import org.rbdwrapper.perf.machine.Tools;
import org.rbdwrapper.perf.measure.RunningLoad;
import org.rbdwrapper.perf.measure.Sample;
import org.rbdwrapper.perf.measure.Timeline;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/**
 * A measuring loop in C, compiled when it is needed.
 *
 * @param name of its source, without the ending.
 */
public record NativeProgram(Environment environment, String name) {
    private static final Duration LIMIT = Duration.ofMinutes(1);

    /** Empty where it can be compiled, and then it is; else why not. */
    public String missing() {
        if (!Tools.isOnPath("cc")) {
            return "cc is missing: install a C compiler, for instance the package gcc";
        }
        if (Files.exists(program())) {
            return "";
        }
        Path source = environment.root().resolve("perf/src/main/c/" + name + ".c");
        try {
            Child compiler =
                    Child.start(
                            "cc",
                            List.of(
                                    "cc",
                                    "-O2",
                                    "-o",
                                    program().toString(),
                                    source.toString(),
                                    "-ldl"),
                            Map.of(),
                            environment.scratch().resolve(name + ".cc.out"));
            environment.cleanup().add(compiler).await(LIMIT);
            return "";
        } catch (IOException e) {
            return e.getMessage();
        }
    }

    private Path program() {
        return environment.scratch().resolve(name);
    }

    /**
     * @param arguments before those that all such programs have.
     */
    public RunningLoad start(Timeline timeline, String... arguments) throws IOException {
        Path output = environment.scratch().resolve(name + ".samples");
        Files.deleteIfExists(output);
        List<String> command = new ArrayList<>();
        command.add(program().toString());
        command.addAll(List.of(arguments));
        command.add(Double.toString(timeline.rampSeconds()));
        command.add(Double.toString(timeline.seconds()));
        command.add(output.toString());
        Child child =
                Child.start(name, command, Map.of(), environment.scratch().resolve(name + ".out"));
        environment.cleanup().add(child);
        return new Load(child, output, LIMIT.plusSeconds((long) timeline.seconds()));
    }

    private record Load(Child child, Path output, Duration limit) implements RunningLoad {
        @Override
        public List<Long> pids() {
            return Stream.concat(
                            Stream.of(child.process().toHandle()), child.process().descendants())
                    .map(ProcessHandle::pid)
                    .toList();
        }

        @Override
        public Sample await() throws IOException {
            try (child) {
                child.await(limit);
            }
            return parse(Files.readAllBytes(output));
        }
    }

    /**
     * @param samples as samples.h writes them.
     */
    static Sample parse(byte[] samples) {
        ByteBuffer values = ByteBuffer.wrap(samples).order(ByteOrder.nativeOrder());
        long operations = values.getLong();
        long elapsedNanos = values.getLong();
        Histogram latencies = Latencies.histogram();
        while (values.hasRemaining()) {
            latencies.recordValue(Integer.toUnsignedLong(values.getInt()));
        }
        Sample kept = Sample.of(latencies, elapsedNanos, Sample.UNKNOWN);
        return new Sample(
                operations,
                operations * 1e9 / elapsedNanos,
                kept.p50Micros(),
                kept.p99Micros(),
                kept.p999Micros(),
                Sample.UNKNOWN);
    }
}
