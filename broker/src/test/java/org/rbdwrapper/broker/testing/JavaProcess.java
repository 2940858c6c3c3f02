package org.rbdwrapper.broker.testing;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** A Java program in a process of its own, with this one's class path and options. */
public final class JavaProcess implements AutoCloseable {
    private final Process process;
    private final Path output;

    private JavaProcess(Process process, Path output) {
        this.process = process;
        this.output = output;
    }

    public static JavaProcess start(
            Map<String, String> environment, Class<?> main, String... arguments)
            throws IOException {
        return start(environment, main.getName(), arguments);
    }

    public static JavaProcess start(
            Map<String, String> environment, String main, String... arguments) throws IOException {
        return start(environment, JavaCommand.shortLived(main, List.of(arguments)));
    }

    /** One whose speed is of interest. */
    public static JavaProcess startLongLived(Class<?> main, String... arguments)
            throws IOException {
        return start(Map.of(), JavaCommand.longLived(main.getName(), List.of(arguments)));
    }

    private static JavaProcess start(Map<String, String> environment, List<String> words)
            throws IOException {
        Path output = Files.createTempFile("rbdw-java-", ".out");
        ProcessBuilder builder =
                new ProcessBuilder(words).redirectErrorStream(true).redirectOutput(output.toFile());
        builder.environment().putAll(environment);
        return new JavaProcess(builder.start(), output);
    }

    public Process process() {
        return process;
    }

    public String output() throws IOException {
        return Files.readString(output);
    }

    /** Waits until it has printed this line; fails with its output where it has not in time. */
    public void awaitLine(String start) throws IOException, InterruptedException {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(120);
        while (output().lines().noneMatch(line -> line.startsWith(start))) {
            if (!process.isAlive() || System.nanoTime() > deadline) {
                throw new IOException("'" + start + "' was not printed, but: " + output());
            }
            Thread.sleep(20);
        }
    }

    /**
     * Waits for its end; fails with its output where it does not end in time, or with another code
     * than 0.
     */
    public String awaitSuccess(int seconds) throws IOException, InterruptedException {
        if (!process.waitFor(seconds, TimeUnit.SECONDS)) {
            Signals.send("QUIT", process.pid());
            process.waitFor(2, TimeUnit.SECONDS); // it prints where its threads are
            process.destroyForcibly();
            throw new IOException("did not end within " + seconds + " s: " + output());
        }
        if (process.exitValue() != 0) {
            throw new IOException("ended with " + process.exitValue() + ": " + output());
        }
        return output();
    }

    /** By SIGSTOP; all its threads have stopped at the return. */
    public void freeze() throws IOException, InterruptedException {
        Signals.send("STOP", process.pid());
    }

    /** After {@link #freeze}: it goes on, unless it has ended. */
    public void thaw() throws IOException, InterruptedException {
        try {
            Signals.send("CONT", process.pid());
        } catch (IOException e) {
            if (process.isAlive()) {
                throw e;
            }
        }
    }

    @Override
    public void close() throws IOException {
        process.destroyForcibly().onExit().join();
        Files.deleteIfExists(output);
    }
}
