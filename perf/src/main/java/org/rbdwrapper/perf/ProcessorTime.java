package org.rbdwrapper.perf;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** Processor time that processes have used, by /proc/PID/stat: see proc(5). */
final class ProcessorTime {
    /** What sysconf(_SC_CLK_TCK) gives on every Linux of today. */
    private static final double TICKS_PER_SECOND = 100;

    /** Fields are counted from 1; the first two end with the last ')'. */
    private static final int UTIME = 14;

    private static final int CUTIME = 16;

    private ProcessorTime() {}

    /** Seconds of these processes, which are alive. */
    static double of(List<Long> pids) throws IOException {
        double seconds = 0;
        for (long pid : pids) {
            seconds += seconds(Long.toString(pid), UTIME);
        }
        return seconds;
    }

    /** Seconds of all children that have ended, and of theirs. */
    static double ofEndedChildren() throws IOException {
        return seconds("self", CUTIME);
    }

    /** The field and the next: user's and system's. */
    private static double seconds(String process, int field) throws IOException {
        String line = Files.readString(Path.of("/proc", process, "stat"));
        String[] fields = line.substring(line.lastIndexOf(')') + 2).split(" ");
        return (Long.parseLong(fields[field - 3]) + Long.parseLong(fields[field - 2]))
                / TICKS_PER_SECOND;
    }
}
