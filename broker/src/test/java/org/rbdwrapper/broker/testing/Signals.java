package org.rbdwrapper.broker.testing;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;

/** Sends signals to processes, of which Java knows two only. */
public final class Signals {
    private static final int STOP_SECONDS = 60;

    private Signals() {}

    /**
     * @param signal as kill(1) calls it. {@code STOP}: waits until every thread of the process has
     *     stopped, for kill(2) returns before, and what is sent to the process in between is
     *     answered.
     * @throws IOException where there is no such process.
     */
    public static void send(String signal, long pid) throws IOException, InterruptedException {
        if (new ProcessBuilder("kill", "-" + signal, Long.toString(pid)).start().waitFor() != 0) {
            throw new IOException("process " + pid + " does not take " + signal);
        }
        if (signal.equals("STOP")) {
            awaitStopped(pid);
        }
    }

    private static void awaitStopped(long pid) throws IOException, InterruptedException {
        long start = System.nanoTime();
        while (!hasStopped(pid)) {
            if (System.nanoTime() - start > STOP_SECONDS * 1_000_000_000L) {
                throw new IOException("process " + pid + " does not stop");
            }
            Thread.sleep(1);
        }
    }

    private static boolean hasStopped(long pid) throws IOException {
        try (DirectoryStream<Path> threads =
                Files.newDirectoryStream(Path.of("/proc/" + pid + "/task"))) {
            for (Path thread : threads) {
                if (!isStoppedOrGone(thread)) {
                    return false;
                }
            }
        }
        return true;
    }

    private static boolean isStoppedOrGone(Path thread) throws IOException {
        try {
            String stat = Files.readString(thread.resolve("stat"));
            char state = stat.charAt(stat.lastIndexOf(')') + 2); // a name may hold parentheses
            return "TtZX".indexOf(state) >= 0;
        } catch (NoSuchFileException e) {
            return true;
        }
    }
}
