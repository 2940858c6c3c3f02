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
        List<Path> files;
        try (Stream<Path> list = Files.list(stateDir.resolve("log"))) {
            files = list.filter(f -> f.getFileName().toString().startsWith("broker.")).toList();
        }
        long bytes = 0;
        int lines = 0;
        Map<String, Integer> counts = new HashMap<>();
        for (Path file : files) {
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
}
