package org.rbdwrapper.client.hostile.siege;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.ToLongFunction;

/**
 * What a victim saw in one phase.
 *
 * @param nanos of the phase.
 * @param reads of 4 KiB, one after the other.
 * @param opens that returned: open, fstat and close of images.
 * @param stats of a path that returned.
 * @param flushes that returned: write and fsync.
 */
record Measurement(
        long nanos,
        Latencies.Seen reads,
        Latencies.Seen opens,
        Latencies.Seen stats,
        Latencies.Seen flushes) {
    double readsPerSecond() {
        return perSecond(reads);
    }

    double perSecond(Latencies.Seen seen) {
        return seen.calls() * 1e9 / nanos;
    }

    String toLine() {
        StringBuilder line = new StringBuilder("measured " + nanos);
        fields().values()
                .forEach(s -> line.append(" %d %d %d".formatted(s.calls(), s.p50(), s.p99())));
        return line.toString();
    }

    static Measurement parse(String line) {
        String[] words = line.split(" ");
        long[] numbers = new long[words.length - 1];
        for (int i = 0; i < numbers.length; i++) {
            numbers[i] = Long.parseLong(words[i + 1]);
        }
        return new Measurement(
                numbers[0],
                seen(numbers, 1),
                seen(numbers, 4),
                seen(numbers, 7),
                seen(numbers, 10));
    }

    Map<String, Latencies.Seen> fields() {
        Map<String, Latencies.Seen> fields = new LinkedHashMap<>();
        fields.put("read", reads);
        fields.put("open", opens);
        fields.put("stat", stats);
        fields.put("fsync", flushes);
        return fields;
    }

    static ToLongFunction<Measurement> p99(String field) {
        return measurement -> measurement.fields().get(field).p99();
    }

    private static Latencies.Seen seen(long[] numbers, int at) {
        return new Latencies.Seen(numbers[at], numbers[at + 1], numbers[at + 2]);
    }
}
