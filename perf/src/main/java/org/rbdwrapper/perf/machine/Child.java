package org.rbdwrapper.perf.machine;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** A process of ours, with its output in a file. Every wait is bounded. */
public final class Child implements AutoCloseable {
    private static final Duration END_LIMIT = Duration.ofSeconds(15);
    private static final Duration LOOK_EVERY = Duration.ofMillis(20);
    private static final int TAIL_LINES = 5;

    private final String name;
    private final Process process;
    private final Path output;

    private Child(String name, Process process, Path output) {
        this.name = name;
        this.process = process;
        this.output = output;
    }

    /** Both of its streams go to the file. */
    public static Child start(
            String name, List<String> command, Map<String, String> environment, Path output)
            throws IOException {
        ProcessBuilder builder = new ProcessBuilder(command);
        builder.environment().putAll(environment);
        builder.redirectErrorStream(true).redirectOutput(output.toFile());
        return new Child(name, builder.start(), output);
    }

    /** Its streams are pipes, but for stderr, which goes to the file. */
    public static Child startPiped(
            String name, List<String> command, Map<String, String> environment, Path errors)
            throws IOException {
        ProcessBuilder builder = new ProcessBuilder(command);
        builder.environment().putAll(environment);
        builder.redirectError(errors.toFile());
        return new Child(name, builder.start(), errors);
    }

    /** What it printed, once it has ended with 0. */
    public String await(Duration limit) throws IOException {
        if (!ends(limit)) {
            close();
            throw failure("did not end within " + limit.toSeconds() + " s");
        }
        if (process.exitValue() != 0) {
            throw failure("ended with " + process.exitValue());
        }
        return text();
    }

    /** Whether it has ended badly, and its last words have one of these in them. */
    public boolean failedWith(String... words) throws IOException {
        String said = text();
        return ends(Duration.ZERO)
                && process.exitValue() != 0
                && Arrays.stream(words).anyMatch(said::contains);
    }

    /** Returns when it has printed a line that begins so. */
    public void awaitLine(String beginning, Duration limit) throws IOException {
        long deadline = System.nanoTime() + limit.toNanos();
        while (text().lines().noneMatch(line -> line.startsWith(beginning))) {
            if (System.nanoTime() > deadline) {
                throw failure("was not ready within " + limit.toSeconds() + " s");
            }
            if (ends(LOOK_EVERY)) {
                throw failure("ended with " + process.exitValue());
            }
        }
    }

    public IOException failure(String what) throws IOException {
        List<String> lines = new ArrayList<>(text().lines().toList());
        String tail =
                String.join(
                        " | ", lines.subList(Math.max(0, lines.size() - TAIL_LINES), lines.size()));
        return new IOException(name + " " + what + (tail.isEmpty() ? "" : ": " + tail));
    }

    public String name() {
        return name;
    }

    public Process process() {
        return process;
    }

    /** By SIGKILL, also where it is stopped; returns when it has ended. */
    public void kill() {
        process.destroyForcibly();
        var _ = ends(END_LIMIT);
    }

    /**
     * @param name such as STOP.
     */
    public void signal(String name) throws IOException {
        Tools.signal(process.pid(), name);
    }

    private String text() throws IOException {
        return Files.exists(output)
                ? new String(Files.readAllBytes(output), StandardCharsets.UTF_8)
                : "";
    }

    /** Waits for its own end first. */
    public void finish(Duration limit) {
        var _ = ends(limit);
        close();
    }

    /** SIGTERM, and SIGKILL where that does not end it. */
    @Override
    public void close() {
        process.destroy();
        if (!ends(END_LIMIT)) {
            process.destroyForcibly();
            var _ = ends(END_LIMIT);
        }
    }

    private boolean ends(Duration limit) {
        try {
            return process.waitFor(limit.toMillis(), TimeUnit.MILLISECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
    }

    @Override
    public String toString() {
        return name + " (pid " + process.pid() + ")";
    }
}
