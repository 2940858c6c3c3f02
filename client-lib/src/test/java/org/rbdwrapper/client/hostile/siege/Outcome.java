package org.rbdwrapper.client.hostile.siege;

import java.util.ArrayList;
import java.util.List;
import java.util.function.ToDoubleFunction;
import java.util.function.ToLongFunction;

/**
 * What an attack did to a victim and to the broker.
 *
 * @param alone each round's phase without it, and
 * @param beside the phase with it.
 * @param left what was different when it had ended, in words.
 * @param lost what the victim lost, in words; null: nothing.
 * @param memoryKib the broker's resident memory before, and
 * @param mostMemoryKib the most of it meanwhile, and
 * @param keptMemoryKib what it was in the end.
 * @param cores who kept how many processors busy.
 * @param said what the attacker said last: what it has done and was refused.
 */
record Outcome(
        Attack attack,
        List<Measurement> alone,
        List<Measurement> beside,
        List<String> left,
        String lost,
        long memoryKib,
        long mostMemoryKib,
        long keptMemoryKib,
        Cores cores,
        String said) {
    /**
     * What a neighbour may cost, where cores are to be had for all. Where they are not, it may cost
     * as much as a program that computes, {@link Attack#isYardstick}: a broker cannot give back
     * what the kernel gave to another.
     */
    private static final double LEAST_THROUGHPUT = 0.7;

    /**
     * The arenas that an attack uses are 64 MiB at most, and are the broker's resident memory, too;
     * the rest is for what the JVM takes by and by.
     */
    private static final long MOST_GROWTH_KIB = 160 << 10;

    private static final double MOST_IO_P99 = 3;
    private static final double MOST_CONTROL_P99 = 10;

    /** Of each round: beside against alone, the middle of them, the least and the most. */
    record Ratio(double median, double least, double most) {
        static Ratio of(List<Double> ratios) {
            List<Double> sorted = ratios.stream().sorted().toList();
            return new Ratio(sorted.get(sorted.size() / 2), sorted.getFirst(), sorted.getLast());
        }

        String toText() {
            return "%s (%s–%s)".formatted(number(median), number(least), number(most));
        }

        private static String number(double value) {
            return value >= 100
                    ? "%.0f".formatted(value)
                    : value >= 10 ? "%.1f".formatted(value) : "%.2f".formatted(value);
        }
    }

    Ratio ratio(ToDoubleFunction<Measurement> of) {
        List<Double> ratios = new ArrayList<>();
        for (int i = 0; i < alone.size(); i++) {
            ratios.add(
                    of.applyAsDouble(beside.get(i))
                            / Math.max(of.applyAsDouble(alone.get(i)), 1e-9));
        }
        return Ratio.of(ratios);
    }

    Ratio throughput() {
        return ratio(Measurement::readsPerSecond);
    }

    Ratio p99(String field) {
        ToLongFunction<Measurement> p99 = Measurement.p99(field);
        return ratio(p99::applyAsLong);
    }

    /** The middle of the rounds' p99 with the attack, milliseconds. */
    double p99MillisBeside(String field) {
        return beside.stream()
                        .mapToLong(Measurement.p99(field))
                        .sorted()
                        .skip(beside.size() / 2)
                        .findFirst()
                        .orElseThrow()
                / 1e6;
    }

    /** Whether the broker took more memory than all that an attacker may have. */
    boolean grewTooMuch() {
        return mostMemoryKib - memoryKib > MOST_GROWTH_KIB;
    }

    /**
     * In what the victim had less than is his.
     *
     * @param yardsticks what was measured beside programs that compute.
     */
    List<String> failings(List<Outcome> yardsticks) {
        List<String> failings = new ArrayList<>();
        double fair =
                yardsticks.stream()
                        .mapToDouble(one -> one.throughput().median())
                        .min()
                        .orElse(LEAST_THROUGHPUT);
        if (throughput().most() < Math.min(LEAST_THROUGHPUT, fair)) {
            failings.add("throughput");
        }
        addSlow("read", yardsticks, failings);
        addSlow("fsync", yardsticks, failings);
        if (p99("open").least() > MOST_CONTROL_P99) {
            failings.add("open p99");
        }
        if (p99("stat").least() > MOST_CONTROL_P99) {
            failings.add("stat p99");
        }
        if (grewTooMuch()) {
            failings.add("memory");
        }
        if (keptMemoryKib - memoryKib > MOST_GROWTH_KIB) {
            failings.add("memory kept");
        }
        if (!left.isEmpty()) {
            failings.add("left: " + String.join(", ", left));
        }
        if (lost != null) {
            failings.add("lost: " + lost);
        }
        return failings;
    }

    private void addSlow(String field, List<Outcome> yardsticks, List<String> failings) {
        double fair =
                yardsticks.stream()
                        .mapToDouble(one -> one.p99(field).median())
                        .max()
                        .orElse(MOST_IO_P99);
        if (p99(field).least() > Math.max(MOST_IO_P99, fair)) {
            failings.add(field + " p99");
        }
    }

    static final List<String> COLUMNS =
            List.of(
                    "attack",
                    "reads/s alone",
                    "beside/alone",
                    "read p99",
                    "fsync p99",
                    "open p99",
                    "stat p99",
                    "p99 ms read/fsync/open/stat",
                    "RSS MiB before/most/after",
                    "cores attacker/broker/victim/others",
                    "did, refused",
                    "less than is his");

    /** See {@link #failings}. */
    List<String> toRow(List<Outcome> yardsticks) {
        return List.of(
                attack.name(),
                "%.0f"
                        .formatted(
                                alone.stream()
                                        .mapToDouble(Measurement::readsPerSecond)
                                        .average()
                                        .orElse(0)),
                throughput().toText(),
                p99("read").toText(),
                p99("fsync").toText(),
                p99("open").toText(),
                p99("stat").toText(),
                "%.2f %.1f %.1f %.1f"
                        .formatted(
                                p99MillisBeside("read"),
                                p99MillisBeside("fsync"),
                                p99MillisBeside("open"),
                                p99MillisBeside("stat")),
                "%d %d %d".formatted(memoryKib >> 10, mostMemoryKib >> 10, keptMemoryKib >> 10),
                cores.toText(),
                said.replaceAll("\\D+", " ").strip(),
                String.join(", ", failings(yardsticks)));
    }
}
