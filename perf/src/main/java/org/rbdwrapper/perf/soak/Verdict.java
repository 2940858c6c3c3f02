package org.rbdwrapper.perf.soak;

import org.rbdwrapper.perf.report.Table;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;

/**
 * What was there after the first minute, held against what was there at the end.
 *
 * <p>Counts must be equal: at the end and after the first minute, and at the first and the last
 * quiet moment of each broker. Memory cannot be: the JVM compiles code, and allocators keep what
 * they once needed. Of a broker that was followed for {@link #MEMORY_SECONDS} or longer, after its
 * first minute live objects may become 2 MiB more, and resident memory a sixth and 16 MiB: an
 * hour's clients, some thousands, would leave more if each left 4 KiB of heap or 16 KiB of the
 * rest.
 */
final class Verdict {
    /** Between two moments whose memory is compared. */
    static final double MEMORY_SECONDS = 240;

    private static final long HEAP_KIB = 2 << 10;
    private static final long RESIDENT_KIB = 16 << 10;
    private static final int RESIDENT_PART = 6;

    private final List<Quiet> moments;
    private final SoakLog log;
    private final int events;
    private final List<String> complaints = new ArrayList<>();

    /**
     * @param moments in their order.
     * @param events clients and blows: no line of the log may be there more often.
     */
    Verdict(List<Quiet> moments, SoakLog log, int events) {
        this.moments = moments;
        this.log = log;
        this.events = events;
        judge();
    }

    /** What does not hold; empty if all does. */
    List<String> complaints() {
        return complaints;
    }

    private void judge() {
        compareCounts(moments.getFirst(), moments.getLast());
        for (int i = 0; i < moments.size(); i++) {
            Quiet last = moments.get(i);
            boolean isLast = i == moments.size() - 1 || moments.get(i + 1).pid() != last.pid();
            if (isLast) {
                Quiet first = firstOf(last.pid());
                if (!first.equals(moments.getFirst()) || !last.equals(moments.getLast())) {
                    compareCounts(first, last);
                }
                compareMemory(first, last);
            }
        }
        if (log.times() > events) {
            complaints.add(
                    "the log has a line %d times, which is more than the %d clients and blows: %s"
                            .formatted(log.times(), events, log.often()));
        }
    }

    private void compareCounts(Quiet first, Quiet last) {
        for (String what : keys(first, last)) {
            int then = first.holdings().getOrDefault(what, 0);
            int now = last.holdings().getOrDefault(what, 0);
            if (then != now) {
                complaints.add(
                        "%s: %d %s, %d %s".formatted(what, then, first.when(), now, last.when()));
            }
        }
    }

    private void compareMemory(Quiet first, Quiet last) {
        if (last.ageSeconds() - first.ageSeconds() < MEMORY_SECONDS) {
            return;
        }
        long heap = last.memory().heapKib() - first.memory().heapKib();
        if (heap > HEAP_KIB) {
            complaints.add(
                    "live objects of the broker: %d KiB more %s than %s"
                            .formatted(heap, last.when(), first.when()));
        }
        long resident = last.memory().rssKib() - first.memory().rssKib();
        if (resident > RESIDENT_KIB + first.memory().rssKib() / RESIDENT_PART) {
            complaints.add(
                    "resident memory of the broker: %d KiB more %s than %s"
                            .formatted(resident, last.when(), first.when()));
        }
    }

    String toText() {
        List<String> columns = new ArrayList<>(List.of(""));
        moments.forEach(moment -> columns.add(moment.when()));
        List<List<String>> rows = new ArrayList<>();
        rows.add(row("age of the broker, s", m -> "%.0f".formatted(m.ageSeconds())));
        rows.add(row("clients until then", m -> Integer.toString(m.clients())));
        for (String what : keys(moments.toArray(Quiet[]::new))) {
            rows.add(row(what, m -> Integer.toString(m.holdings().getOrDefault(what, 0))));
        }
        rows.add(row("live objects, KiB", m -> Long.toString(m.memory().heapKib())));
        rows.add(row("RSS, KiB", m -> Long.toString(m.memory().rssKib())));
        rows.add(row("PSS, KiB", m -> Long.toString(m.memory().pssKib())));
        StringBuilder text =
                new StringBuilder(new Table("Moments without clients", "", columns, rows).toText());
        text.append('\n');
        for (Quiet last : moments) {
            Quiet first = firstOf(last.pid());
            double minutes = (last.ageSeconds() - first.ageSeconds()) / 60;
            boolean isLast =
                    moments.indexOf(last) == moments.size() - 1
                            || moments.get(moments.indexOf(last) + 1).pid() != last.pid();
            if (isLast && minutes > 0) {
                text.append(
                        "from %s to %s, %.1f min: RSS %+.0f KiB/min, live objects %+.0f KiB/min%s%n"
                                .formatted(
                                        first.when(),
                                        last.when(),
                                        minutes,
                                        (last.memory().rssKib() - first.memory().rssKib())
                                                / minutes,
                                        (last.memory().heapKib() - first.memory().heapKib())
                                                / minutes,
                                        minutes * 60 < MEMORY_SECONDS
                                                ? " (too short to judge memory by)"
                                                : ""));
            }
        }
        text.append(
                "log: %d bytes, %d lines; most often, %d times: %s%n"
                        .formatted(log.bytes(), log.lines(), log.times(), log.often()));
        return text.toString();
    }

    @FunctionalInterface
    private interface Cell {
        String of(Quiet moment);
    }

    private List<String> row(String name, Cell cell) {
        List<String> row = new ArrayList<>(List.of(name));
        moments.forEach(moment -> row.add(cell.of(moment)));
        return row;
    }

    private Quiet firstOf(long pid) {
        return moments.stream().filter(m -> m.pid() == pid).findFirst().orElseThrow();
    }

    private static Iterable<String> keys(Quiet... moments) {
        TreeSet<String> keys = new TreeSet<>();
        for (Quiet moment : moments) {
            Map<String, Integer> held = moment.holdings();
            keys.addAll(held.keySet());
        }
        return keys;
    }
}
