package org.rbdwrapper.client.nativelib;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** A program in a process of its own, by default a C program of {@code src/test/c}. */
public final class NativeProgram implements AutoCloseable {
    /** Where the libraries and the C programs are built. */
    public static final Path FOLDER = Path.of("target", "c").toAbsolutePath();

    private static final int TIMEOUT_SECONDS = 180;

    private final Process process;
    private final Path output;
    private final Path errors;

    private NativeProgram(Process process, Path output, Path errors) {
        this.process = process;
        this.output = output;
        this.errors = errors;
    }

    /** What a program did. */
    public static final class Result {
        private final int exitCode;
        private final byte[] output;
        private final String errors;

        private Result(int exitCode, byte[] output, String errors) {
            this.exitCode = exitCode;
            this.output = output;
            this.errors = errors;
        }

        public byte[] output() {
            return output;
        }

        public String text() {
            return new String(output, StandardCharsets.UTF_8);
        }

        public Result expectSuccess() {
            assertEquals(0, exitCode, () -> "exit code with: " + text() + errors);
            return this;
        }

        public int exitCode() {
            return exitCode;
        }

        public String errors() {
            return errors;
        }

        /** Exit code 1 and one line, which contains all of these. */
        public Result expectFailure(String... parts) {
            assertEquals(1, exitCode, () -> "exit code with: " + text() + errors);
            assertEquals(1, errors.lines().count(), errors);
            for (String part : parts) {
                assertTrue(errors.contains(part), () -> "'" + part + "' is not in: " + errors);
            }
            return this;
        }
    }

    static NativeProgram start(Path runDir, byte[] input, String... command) throws IOException {
        return start(runDir, Map.of(), input, command);
    }

    /** A command with a slash in it is a path, another one a program of {@code src/test/c}. */
    public static NativeProgram start(
            Path runDir, Map<String, String> environment, byte[] input, String... command)
            throws IOException {
        Path in = Files.createTempFile("rbdw-c-", ".in");
        Path output = Files.createTempFile("rbdw-c-", ".out");
        Path errors = Files.createTempFile("rbdw-c-", ".err");
        try {
            Files.write(in, input);
            List<String> words = new ArrayList<>(List.of(command));
            words.set(0, FOLDER.resolve(command[0]).toString());
            ProcessBuilder builder =
                    new ProcessBuilder(words)
                            .redirectInput(in.toFile())
                            .redirectOutput(output.toFile())
                            .redirectError(errors.toFile());
            builder.environment().put("RBDW_RUN_DIR", runDir.toString());
            builder.environment().putAll(environment);
            return new NativeProgram(builder.start(), output, errors);
        } finally {
            Files.delete(in);
        }
    }

    /** Runs a program to its end. */
    static Result run(Path runDir, byte[] input, String... command)
            throws IOException, InterruptedException {
        try (NativeProgram program = start(runDir, input, command)) {
            return program.await();
        }
    }

    static Result run(Path runDir, String... command) throws IOException, InterruptedException {
        return run(runDir, new byte[0], command);
    }

    public Result await() throws IOException, InterruptedException {
        return await(TIMEOUT_SECONDS);
    }

    public Result await(int seconds) throws IOException, InterruptedException {
        if (!process.waitFor(seconds, TimeUnit.SECONDS)) {
            process.destroyForcibly();
            throw new IOException(
                    "did not end: " + Files.readString(output) + Files.readString(errors));
        }
        return new Result(
                process.exitValue(), Files.readAllBytes(output), Files.readString(errors));
    }

    public Process process() {
        return process;
    }

    public boolean isAlive() {
        return process.isAlive();
    }

    public void awaitLine(String line) throws IOException, InterruptedException {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(30);
        while (Files.readAllLines(output).stream().noneMatch(line::equals)) {
            if (!process.isAlive() || System.nanoTime() > deadline) {
                throw new IOException("'" + line + "' was not printed");
            }
            Thread.sleep(10);
        }
    }

    @Override
    public void close() throws IOException {
        process.destroyForcibly().onExit().join();
        Files.deleteIfExists(output);
        Files.deleteIfExists(errors);
    }
}
