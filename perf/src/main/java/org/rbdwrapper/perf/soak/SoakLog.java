package org.rbdwrapper.perf.soak;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/**
 * What the brokers of a run have logged.
 *
 * @param bytes of all its files.
 * @param often the line that is there most often, its numbers left out.
 */
record SoakLog(long bytes, int lines, String often, int times) {
    static SoakLog of(Path stateDir) throws IOException {
        long bytes = 0;
        int lines = 0;
        Map<String, Integer> counts = new HashMap<>();
        for (Path file : files(stateDir)) {
            bytes += Files.size(file);
            for (String line : Files.readString(file, StandardCharsets.UTF_8).lines().toList()) {
                lines++;
                String[] words = line.split(" ", 2); // the time first
                counts.merge(words[words.length - 1].replaceAll("\\d+", "N"), 1, Integer::sum);
            }
        }
        Map.Entry<String, Integer> most =
                counts.entrySet().stream()
                        .max(Comparator.comparing(Map.Entry::getValue))
                        .orElse(Map.entry("", 0));
        return new SoakLog(bytes, lines, most.getKey(), most.getValue());
    }

    /** Whether a broker has said that this process came back too late, so that it gets EIO. */
    static boolean isLate(Path stateDir, long pid) throws IOException {
        for (Path file : files(stateDir)) {
            try (Stream<String> lines = Files.lines(file, StandardCharsets.UTF_8)) {
                String process = "(pid " + pid + ",";
                if (lines.anyMatch(l -> l.contains(process) && l.contains("is back too late"))) {
                    return true;
                }
            }
        }
        return false;
    }

    private static List<Path> files(Path stateDir) throws IOException {
        try (Stream<Path> list = Files.list(stateDir.resolve("log"))) {
            return list.filter(f -> f.getFileName().toString().startsWith("broker.")).toList();
        }
    }
}
