package org.rbdwrapper.client.hostile.siege;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;

/** Processor time, in seconds: who took how much tells whether a measurement was disturbed. */
final class Processors {
    private static final double TICKS_PER_SECOND = 100;

    private Processors() {}

    /** Of a process so far; 0 where it has ended. */
    static double secondsOf(long pid) throws IOException {
        String stat;
        try {
            stat = Files.readString(Path.of("/proc", Long.toString(pid), "stat"));
        } catch (NoSuchFileException e) {
            return 0;
        }
        String[] words = stat.substring(stat.lastIndexOf(')') + 2).split(" ");
        return (Long.parseLong(words[11]) + Long.parseLong(words[12])) / TICKS_PER_SECOND;
    }

    /** Of all there is, so far, that was not idle. */
    static double busySeconds() throws IOException {
        String[] words =
                Files.readString(Path.of("/proc/stat"))
                        .lines()
                        .findFirst()
                        .orElseThrow()
                        .split(" +");
        long busy = 0;
        for (int i = 1; i <= 8; i++) { // user to steal
            busy += i == 4 || i == 5 ? 0 : Long.parseLong(words[i]); // idle, iowait
        }
        return busy / TICKS_PER_SECOND;
    }
}
