package org.rbdwrapper.perf.measure;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collection;

/**
 * Memory and threads of some processes together.
 *
 * @param pssKib resident memory; a page that n processes share counts 1/n for each.
 */
public record Footprint(long pssKib, long threads) {
    public static Footprint of(Collection<Long> pids) throws IOException {
        long pssKib = 0;
        long threads = 0;
        for (long pid : pids) {
            Path process = Path.of("/proc", Long.toString(pid));
            pssKib += value(Files.readString(process.resolve("smaps_rollup")), "\nPss:");
            threads += value(Files.readString(process.resolve("status")), "\nThreads:");
        }
        return new Footprint(pssKib, threads);
    }

    /** The number behind a key that begins with its line's start. */
    public static long value(String text, String key) throws IOException {
        int at = text.indexOf(key);
        if (at < 0) {
            throw new IOException("no" + key.replace('\n', ' ') + " in what /proc gave");
        }
        String line = text.substring(at + key.length(), text.indexOf('\n', at + 1)).strip();
        return Long.parseLong(line.split(" ")[0]);
    }
}
