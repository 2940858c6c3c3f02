package org.rbdwrapper.perf.soak;

import org.rbdwrapper.perf.machine.Child;
import org.rbdwrapper.perf.measure.Footprint;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Of a broker.
 *
 * @param heapKib of live objects: after a full collection.
 */
record Memory(long rssKib, long pssKib, long heapKib) {
    private static final Duration LIMIT = Duration.ofSeconds(60);
    private static final Pattern USED = Pattern.compile("used (\\d+)K");

    /** Collects its garbage first. */
    static Memory afterCollection(long pid, Path scratch) throws IOException {
        jcmd(pid, scratch, "GC.run");
        long heap = 0;
        for (String line : jcmd(pid, scratch, "GC.heap_info").lines().toList()) {
            Matcher used = USED.matcher(line);
            if (!line.contains("etaspace") && !line.contains("class space") && used.find()) {
                heap += Long.parseLong(used.group(1));
            }
        }
        if (heap == 0) {
            throw new IOException("GC.heap_info does not say how much of the heap is used");
        }
        Memory now = of(pid);
        return new Memory(now.rssKib, now.pssKib, heap);
    }

    /** As it is; the heap's is 0, as it is not known. */
    static Memory of(long pid) throws IOException {
        String rollup = Files.readString(Path.of("/proc", Long.toString(pid), "smaps_rollup"));
        return new Memory(Footprint.value(rollup, "\nRss:"), Footprint.value(rollup, "\nPss:"), 0);
    }

    private static String jcmd(long pid, Path scratch, String command) throws IOException {
        Child jcmd =
                Child.start(
                        "jcmd " + command,
                        List.of(
                                Path.of(System.getProperty("java.home"), "bin", "jcmd").toString(),
                                Long.toString(pid),
                                command),
                        Map.of(),
                        scratch.resolve("jcmd.out"));
        try {
            return jcmd.await(LIMIT);
        } finally {
            jcmd.close();
        }
    }
}
