package org.rbdwrapper.client.hostile.siege;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/**
 * A process that is told things, a line each, and says others. Every wait is bounded.
 *
 * <p>One thread.
 */
final class Dialogue implements AutoCloseable {
    private static final String END = "";

    private final LinkedBlockingQueue<String> lines = new LinkedBlockingQueue<>();
    private final Process process;
    private volatile String lastLine = "nothing";

    Dialogue(Process process) {
        this.process = process;
        Thread.ofPlatform().daemon().name("dialogue").start(this::listen);
    }

    void tell(String line) throws IOException {
        process.getOutputStream().write((line + "\n").getBytes(StandardCharsets.UTF_8));
        process.getOutputStream().flush();
    }

    /** The next line that begins so. */
    String await(String beginning, long millis) throws IOException, InterruptedException {
        long deadline = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(millis);
        String line;
        do {
            line = lines.poll(deadline - System.nanoTime(), TimeUnit.NANOSECONDS);
            if (line == null) {
                throw new IOException(
                        "'%s' is not said in time, but: %s".formatted(beginning, lastLine));
            }
            if (line.equals(END)) {
                throw new IOException("it has ended, and said last: " + lastLine);
            }
        } while (!line.startsWith(beginning));
        return line;
    }

    String lastLine() {
        return lastLine;
    }

    long pid() {
        return process.pid();
    }

    boolean isAlive() {
        return process.isAlive();
    }

    private void listen() {
        try (BufferedReader reader =
                new BufferedReader(
                        new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8))) {
            String line;
            while ((line = reader.readLine()) != null) {
                lastLine = line;
                lines.add(line);
            }
        } catch (IOException e) {
            // as at its end
        }
        lines.add(END);
    }

    /** By SIGKILL. */
    @Override
    public void close() {
        process.destroyForcibly().onExit().join();
    }
}
