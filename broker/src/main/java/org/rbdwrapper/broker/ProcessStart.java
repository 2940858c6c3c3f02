package org.rbdwrapper.broker;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;

/**
 * When the kernel started a process, which tells it from a later one of the same number, and
 * whether it is there at all. Any thread.
 */
public final class ProcessStart {
    // of /proc/PID/stat (proc(5)), counted from the state, which is the first after the name
    private static final int STATE_FIELD = 0;
    private static final int THREADS_FIELD = 17;
    private static final int START_TIME_FIELD = 19;

    private static final long LOOK_MILLIS = 5;

    private ProcessStart() {}

    /**
     * Ticks since the host's start, as text; empty where there is no such process, or where it has
     * ended and only its parent has not asked for it yet. Some parents never do, such as the first
     * process of many a container.
     */
    public static String timeOf(long pid) {
        try {
            String[] fields = fieldsOf(pid);
            return hasEnded(fields) ? "" : fields[START_TIME_FIELD];
        } catch (IOException e) {
            return "";
        }
    }

    /**
     * Also of one that has ended, while its number is not another's.
     *
     * @throws IOException where there is no such process, or it cannot be looked at.
     */
    public static String readTimeOf(long pid) throws IOException {
        return fieldsOf(pid)[START_TIME_FIELD];
    }

    /** As the kernel has it, for people; empty where there is no such process. */
    public static String nameOf(long pid) {
        try {
            String name =
                    Files.readString(
                            Path.of("/proc", Long.toString(pid), "comm"),
                            StandardCharsets.ISO_8859_1);
            return name.strip().replaceAll("[^ -~]", "?"); // it may be any bytes
        } catch (IOException e) {
            return "";
        }
    }

    /**
     * Waits until a process has ended, whether its parent has asked for it or not.
     *
     * @param startTime as {@link #timeOf} said it.
     * @return false where it has not in this time.
     */
    public static boolean awaitEnd(long pid, String startTime, Duration limit)
            throws InterruptedException {
        long deadline = System.nanoTime() + limit.toNanos();
        while (!startTime.isEmpty() && startTime.equals(timeOf(pid))) {
            if (System.nanoTime() - deadline > 0) {
                return false;
            }
            Thread.sleep(LOOK_MILLIS);
        }
        return true;
    }

    /** A process is not at its end when its first thread is, while it has others. */
    private static boolean hasEnded(String[] fields) {
        String state = fields[STATE_FIELD];
        return (state.equals("Z") || state.equals("X"))
                && Integer.parseInt(fields[THREADS_FIELD]) <= 1;
    }

    private static String[] fieldsOf(long pid) throws IOException {
        String stat =
                Files.readString(
                        Path.of("/proc", Long.toString(pid), "stat"), StandardCharsets.ISO_8859_1);
        return stat.substring(stat.lastIndexOf(')') + 2).split(" ", -1);
    }
}
