package org.rbdwrapper.perf.machine;

import org.rbdwrapper.broker.ProcessStart;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;

/** What other programs on this machine are there and can do. */
public final class Tools {
    private static final int PAUSE_MILLIS = 20;

    private Tools() {}

    public static boolean isOnPath(String program) {
        for (String folder : System.getenv("PATH").split(":")) {
            if (Files.isExecutable(Path.of(folder, program))) {
                return true;
            }
        }
        return false;
    }

    /** Whether a short command prints this word. */
    public static boolean prints(String word, String... command) {
        try {
            Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
            process.getOutputStream().close();
            byte[] output = process.getInputStream().readAllBytes();
            return List.of(new String(output, StandardCharsets.UTF_8).split("\\W+")).contains(word);
        } catch (IOException e) {
            return false; // it is not installed
        }
    }

    /**
     * @param pattern with '*' for one folder.
     */
    public static boolean isFile(String pattern) {
        int star = pattern.indexOf('*');
        String rest = pattern.substring(star + 2);
        try (DirectoryStream<Path> folders =
                Files.newDirectoryStream(Path.of(pattern.substring(0, star)))) {
            for (Path folder : folders) {
                if (Files.exists(folder.resolve(rest))) {
                    return true;
                }
            }
            return false;
        } catch (IOException e) {
            return false;
        }
    }

    /**
     * @param name such as STOP; nothing happens where the process has ended.
     */
    public static void signal(long pid, String name) throws IOException {
        try {
            new ProcessBuilder("kill", "-" + name, Long.toString(pid))
                    .redirectErrorStream(true)
                    .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                    .start()
                    .waitFor();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted", e);
        }
    }

    /**
     * By SIGKILL; returns when it has ended, which is before its parent has asked for it. Nothing
     * happens where it had ended before.
     */
    public static void kill(long pid, Duration limit) throws IOException {
        String startTime = ProcessStart.timeOf(pid);
        if (startTime.isEmpty()) {
            return;
        }
        signal(pid, "KILL");
        try {
            if (!ProcessStart.awaitEnd(pid, startTime, limit)) {
                throw new IOException("process " + pid + " does not end");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted", e);
        }
    }

    public static void pause() throws IOException {
        try {
            Thread.sleep(PAUSE_MILLIS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted", e);
        }
    }
}
