package org.rbdwrapper.broker;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * When the kernel started a process, which tells it from a later one of the same number. Any
 * thread.
 */
public final class ProcessStart {
    /** Of /proc/PID/stat, counted from the state, which is the first after the name. */
    private static final int START_TIME_FIELD = 19;

    private ProcessStart() {}

    /** Ticks since the host's start, as text; empty where there is no such process. */
    public static String timeOf(long pid) {
        try {
            return readTimeOf(pid);
        } catch (IOException e) {
            return "";
        }
    }

    /**
     * @throws IOException where there is no such process, or it cannot be looked at.
     */
    public static String readTimeOf(long pid) throws IOException {
        String stat =
                Files.readString(
                        Path.of("/proc", Long.toString(pid), "stat"), StandardCharsets.ISO_8859_1);
        return stat.substring(stat.lastIndexOf(')') + 2).split(" ", -1)[START_TIME_FIELD];
    }
}
