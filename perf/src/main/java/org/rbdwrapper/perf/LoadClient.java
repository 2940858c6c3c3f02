package org.rbdwrapper.perf;

import com.google.gson.Gson;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.io.UncheckedIOException;
import java.io.Writer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** The side of {@link LoadWorker} that gives the commands. */
final class LoadClient implements AutoCloseable {
    private static final Duration ADMIN_LIMIT = Duration.ofMinutes(1);

    /** Beyond the length of a sample. */
    private static final long SAMPLE_SPARE_SECONDS = 60;

    private static final Executor READER = command -> Thread.ofVirtual().start(command);

    private final Child child;
    private final Writer commands;
    private final BufferedReader answers;

    private LoadClient(Child child) {
        this.child = child;
        this.commands = child.process().outputWriter();
        this.answers = child.process().inputReader();
    }

    static LoadClient start(Environment environment, Path runDir, String name) throws IOException {
        Child child =
                Child.startPiped(
                        "the client " + name,
                        environment.java(LoadWorker.class),
                        Map.of("RBDW_RUN_DIR", runDir.toString()),
                        environment.scratch().resolve(name + ".client.log"));
        return new LoadClient(environment.cleanup().add(child));
    }

    void create(String spec, long size) throws IOException {
        ask("create " + spec + " " + size, ADMIN_LIMIT);
    }

    /** The image's path. */
    String map(String spec) throws IOException {
        return ask("map " + spec, ADMIN_LIMIT);
    }

    void unmap(String spec) throws IOException {
        ask("unmap " + spec, ADMIN_LIMIT);
    }

    void fill(String path) throws IOException {
        ask("fill " + path, ADMIN_LIMIT);
    }

    Sample sync(String path, int threads, double seconds) throws IOException {
        return sample("sync " + path + " " + threads + " " + seconds, seconds);
    }

    Sample async(String path, int depth, double seconds) throws IOException {
        return sample("async " + path + " " + depth + " " + seconds, seconds);
    }

    private Sample sample(String command, double seconds) throws IOException {
        Duration limit = Duration.ofSeconds((long) (2 * seconds) + SAMPLE_SPARE_SECONDS);
        return new Gson().fromJson(ask(command, limit), Sample.class);
    }

    private String ask(String command, Duration limit) throws IOException {
        commands.write(command + "\n");
        commands.flush();
        String answer;
        try {
            answer =
                    CompletableFuture.supplyAsync(this::readAnswer, READER)
                            .get(limit.toMillis(), TimeUnit.MILLISECONDS);
        } catch (TimeoutException e) {
            throw child.failure("did not answer '" + command + "'");
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new InterruptedIOException("interrupted");
        } catch (ExecutionException e) {
            throw new IOException("the client's answer could not be read", e.getCause());
        }
        if (answer == null || !answer.startsWith("ok ")) {
            throw child.failure("failed at '" + command + "' (" + answer + ")");
        }
        return answer.substring("ok ".length());
    }

    private String readAnswer() {
        try {
            return answers.readLine();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public void close() throws IOException {
        commands.close(); // ends it
        child.close();
    }
}
