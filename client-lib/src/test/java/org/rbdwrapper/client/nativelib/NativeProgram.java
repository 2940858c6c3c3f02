package org.rbdwrapper.client.nativelib;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** A C program of {@code src/test/c} in a process of its own. */
final class NativeProgram implements AutoCloseable {
    private static final Path FOLDER = Path.of("target", "c").toAbsolutePath();
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
    static final class Result {
        private final int exitCode;
        private final byte[] output;
        private final String errors;

        private Result(int exitCode, byte[] output, String errors) {
            this.exitCode = exitCode;
            this.output = output;
            this.errors = errors;
        }

        byte[] output() {
            return output;
        }

        String text() {
            return new String(output, StandardCharsets.UTF_8);
        }

        Result expectSuccess() {
            assertEquals(0, exitCode, () -> "exit code with: " + text() + errors);
            return this;
        }

        /** Exit code 1 and one line, which contains all of these. */
        Result expectFailure(String... parts) {
            assertEquals(1, exitCode, () -> "exit code with: " + text() + errors);
            assertEquals(1, errors.lines().count(), errors);
            for (String part : parts) {
                assertTrue(errors.contains(part), () -> "'" + part + "' is not in: " + errors);
            }
            return this;
        }
    }

    static NativeProgram start(Path runDir, byte[] input, String... command) throws IOException {
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

    Result await() throws IOException, InterruptedException {
        if (!process.waitFor(TIMEOUT_SECONDS, TimeUnit.SECONDS)) {
            process.destroyForcibly();
            throw new IOException("did not end: " + Files.readString(output));
        }
        return new Result(
                process.exitValue(), Files.readAllBytes(output), Files.readString(errors));
    }

    void awaitLine(String line) throws IOException, InterruptedException {
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
