package org.rbdwrapper.client.fuzz;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * One fuzzer in a process of its own: libFuzzer, which Jazzer uses, too. It begins with the inputs
 * that are kept; new ones and what finds something go to {@code target/fuzz/NAME}.
 */
final class FuzzRun implements AutoCloseable {
    /** Beyond the time that it fuzzes: to start, to run what is kept, and to end. */
    private static final int MORE_SECONDS = 240;

    private static final Pattern DONE =
            Pattern.compile("#([0-9]+)\\s+DONE\\s+cov: ([0-9]+) ft: ([0-9]+)");
    private static final Pattern RATE = Pattern.compile("stat::average_exec_per_sec:\\s+([0-9]+)");

    private final String name;
    private final Process process;
    private final Path log;
    private final int seconds;

    private FuzzRun(String name, Process process, Path log, int seconds) {
        this.name = name;
        this.process = process;
        this.log = log;
        this.seconds = seconds;
    }

    /**
     * @param command of the fuzzer, without its options.
     * @param corpus the inputs that are kept; not written.
     */
    static FuzzRun start(String name, List<String> command, Path corpus, int seconds)
            throws IOException {
        Path folder = Path.of("target", "fuzz", name).toAbsolutePath();
        Path found = Files.createDirectories(folder.resolve("corpus"));
        Path log = folder.resolve("log");
        List<String> words = new ArrayList<>(command);
        words.add(found.toString());
        words.add(corpus.toString());
        words.add("-artifact_prefix=" + folder + "/");
        words.add("-max_total_time=" + seconds);
        words.add("-max_len=4096");
        words.add("-timeout=60");
        words.add("-print_final_stats=1");
        Process process =
                new ProcessBuilder(words)
                        .directory(folder.toFile())
                        .redirectErrorStream(true)
                        .redirectOutput(log.toFile())
                        .start();
        return new FuzzRun(name, process, log, seconds);
    }

    /**
     * Waits for its end.
     *
     * @return for people: what it did.
     * @throws AssertionError where it found something: with the input's path.
     */
    String await() throws IOException, InterruptedException {
        boolean ended = process.waitFor((long) seconds + MORE_SECONDS, TimeUnit.SECONDS);
        String output = Files.readString(log);
        Matcher done = DONE.matcher(output);
        Matcher rate = RATE.matcher(output);
        if (!ended || process.exitValue() != 0 || !done.find() || !rate.find()) {
            throw new AssertionError(
                    "fuzzer "
                            + name
                            + (ended ? " ended with " + process.exitValue() : " did not end")
                            + ", see "
                            + log
                            + "\n"
                            + finding(output));
        }
        return String.format(
                "fuzz %s: %s executions, %s a second, coverage %s (%s features)",
                name, done.group(1), rate.group(1), done.group(2), done.group(3));
    }

    @Override
    public void close() {
        process.destroyForcibly().onExit().join();
    }

    /** What was found and the input's path, which libFuzzer prints last. */
    private static String finding(String output) {
        int begin = output.indexOf("\n== ");
        int failed = output.indexOf(": not so: ");
        if (failed >= 0) {
            begin = output.lastIndexOf('\n', failed);
        }
        int end = Math.max(0, output.length() - 4000);
        return output.substring(begin < 0 ? end : begin);
    }
}
