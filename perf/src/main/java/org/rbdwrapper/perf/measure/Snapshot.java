package org.rbdwrapper.perf.measure;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Collection;
import java.util.HashMap;
import java.util.Map;

/**
 * What each thread of some processes has used until now, by /proc/PID/task: see proc(5).
 *
 * @param nanos when, by {@link System#nanoTime}.
 * @param threads by thread id.
 */
public record Snapshot(long nanos, Map<Long, Counters> threads) {
    private static final String SWITCHES = "voluntary_ctxt_switches:";

    /**
     * Of one thread.
     *
     * @param cpuNanos on a core.
     * @param waits how often it gave its core away to wait, each of which ended with a wake.
     */
    public record Counters(long cpuNanos, long waits) {}

    /**
     * @throws IOException where one of the processes has ended.
     */
    public static Snapshot of(Collection<Long> pids) throws IOException {
        Map<Long, Counters> threads = new HashMap<>();
        for (long pid : pids) {
            Path tasks = Path.of("/proc", Long.toString(pid), "task");
            try (DirectoryStream<Path> folders = Files.newDirectoryStream(tasks)) {
                for (Path task : folders) {
                    add(task, threads);
                }
            } catch (NoSuchFileException e) {
                throw new IOException("process " + pid + " ended before it was measured", e);
            }
        }
        return new Snapshot(System.nanoTime(), threads);
    }

    private static void add(Path task, Map<Long, Counters> threads) throws IOException {
        try {
            String time = Files.readString(task.resolve("schedstat"));
            threads.put(
                    Long.parseLong(task.getFileName().toString()),
                    new Counters(
                            Long.parseLong(time.substring(0, time.indexOf(' '))),
                            parseWaits(Files.readString(task.resolve("status")))));
        } catch (IOException e) {
            // ESRCH reads as an error without a name of its own: the thread has ended meanwhile
            if (Files.exists(task)) {
                throw e;
            }
        }
    }

    static long parseWaits(String status) {
        int at = status.indexOf(SWITCHES);
        return Long.parseLong(
                status.substring(at + SWITCHES.length(), status.indexOf('\n', at)).strip());
    }

    /** What was used from this one to a later one; threads that ended meanwhile do not count. */
    public Usage until(Snapshot later) {
        long cpuNanos = 0;
        long waits = 0;
        for (Map.Entry<Long, Counters> thread : later.threads.entrySet()) {
            Counters then = threads.getOrDefault(thread.getKey(), new Counters(0, 0));
            cpuNanos += thread.getValue().cpuNanos - then.cpuNanos;
            waits += thread.getValue().waits - then.waits;
        }
        return new Usage((later.nanos - nanos) / 1e9, cpuNanos / 1e9, waits);
    }
}
