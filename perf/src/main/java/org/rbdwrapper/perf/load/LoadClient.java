package org.rbdwrapper.perf.load;

import com.google.gson.Gson;

import org.rbdwrapper.perf.machine.Child;
import org.rbdwrapper.perf.machine.Environment;
import org.rbdwrapper.perf.measure.RunningLoad;
import org.rbdwrapper.perf.measure.Sample;
import org.rbdwrapper.perf.measure.Timeline;

import java.io.BufferedReader;
import java.io.Closeable;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.io.UncheckedIOException;
import java.io.Writer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** The side of {@link LoadWorker} that gives the commands. */
public final class LoadClient implements Closeable {
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

    public static LoadClient start(Environment environment, Path runDir, String name)
            throws IOException {
        Child child =
                Child.startPiped(
                        "the client " + name,
                        environment.java(LoadWorker.class),
                        Map.of("RBDW_RUN_DIR", runDir.toString()),
                        environment.scratch().resolve(name + ".client.log"));
        return new LoadClient(environment.cleanup().add(child));
    }

    public void create(String spec, long size) throws IOException {
        ask("create " + spec + " " + size, ADMIN_LIMIT);
    }

    /** The image's path. */
    public String map(String spec) throws IOException {
        return ask("map " + spec, ADMIN_LIMIT);
    }

    public void unmap(String spec) throws IOException {
        ask("unmap " + spec, ADMIN_LIMIT);
    }

    public void fill(String path) throws IOException {
        ask("fill " + path, ADMIN_LIMIT);
    }

    /** The worker keeps a file open that it has used, until then. */
    public void closeFile(String path) throws IOException {
        ask("close " + path, ADMIN_LIMIT);
    }

    /**
     * @param threads where the job's depth is 1: each has one request under way.
     */
    public Sample load(String path, Job job, int threads, Timeline timeline) throws IOException {
        return start(path, job, threads, timeline).await();
    }

    /** As {@link #load}; no other call until the load is awaited. */
    public RunningLoad start(String path, Job job, int threads, Timeline timeline)
            throws IOException {
        String command =
                String.join(
                        " ",
                        "load",
                        path,
                        job.rw(),
                        Integer.toString(job.block()),
                        Integer.toString(job.depth()),
                        Integer.toString(threads),
                        Double.toString(timeline.rampSeconds()),
                        Double.toString(timeline.seconds()));
        send(command);
        Duration limit =
                Duration.ofSeconds(
                        (long) (2 * (timeline.rampSeconds() + timeline.seconds()))
                                + SAMPLE_SPARE_SECONDS);
        return new Load(command, limit);
    }

    private final class Load implements RunningLoad {
        private final String command;
        private final Duration limit;

        Load(String command, Duration limit) {
            this.command = command;
            this.limit = limit;
        }

        @Override
        public List<Long> pids() {
            return List.of(child.process().pid());
        }

        @Override
        public Sample await() throws IOException {
            return new Gson().fromJson(answer(command, limit), Sample.class);
        }
    }

    private String ask(String command, Duration limit) throws IOException {
        send(command);
        return answer(command, limit);
    }

    private void send(String command) throws IOException {
        commands.write(command + "\n");
        commands.flush();
    }

    private String answer(String command, Duration limit) throws IOException {
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
