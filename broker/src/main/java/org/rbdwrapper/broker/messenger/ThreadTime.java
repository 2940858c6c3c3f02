package org.rbdwrapper.broker.messenger;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Processor time of a thread of this process, by {@code /proc/self/task/TID/stat}: see proc(5).
 *
 * @param name as the kernel has it.
 * @param nanos user's and system's since the thread began, in steps of 10 ms.
 */
public record ThreadTime(int thread, String name, long nanos) {
    /** What sysconf(_SC_CLK_TCK) gives on every Linux of today: 100 a second. */
    private static final long NANOS_PER_TICK = 10_000_000;

    /** Counted from the state, which is the first after the name. */
    private static final int USER_FIELD = 11;

    private static final int SYSTEM_FIELD = 12;

    /**
     * @throws IOException where the thread has ended.
     */
    static ThreadTime read(int thread) throws IOException {
        return parse(
                thread,
                Files.readString(
                        Path.of("/proc/self/task/" + thread + "/stat"),
                        StandardCharsets.ISO_8859_1));
    }

    static ThreadTime parse(int thread, String stat) {
        int nameEnd = stat.lastIndexOf(')');
        String[] fields = stat.substring(nameEnd + 2).split(" ");
        long ticks = Long.parseLong(fields[USER_FIELD]) + Long.parseLong(fields[SYSTEM_FIELD]);
        return new ThreadTime(
                thread, stat.substring(stat.indexOf('(') + 1, nameEnd), ticks * NANOS_PER_TICK);
    }
}
