package org.rbdwrapper.client.history;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Whether what clients saw of a register is explained by some order of their operations in which
 * each takes effect between its invocation and its response (linearizability), where no value is
 * written twice.
 *
 * <p>By the theorem of Gibbons and Korach ("Testing shared memories", 1997), in the time of a sort.
 * A value's write and its reads belong together in the order, with no other write among them. So
 * between the first response and the last invocation of them, where the former comes first, the
 * register has held the value all the time (a forward zone); else there is at least one moment
 * between the two at which it may have (a backward zone). Then an order exists exactly if
 *
 * <ul>
 *   <li>no value is read before its write is invoked, or without one,
 *   <li>no two forward zones overlap,
 *   <li>no backward zone lies within a forward one.
 * </ul>
 *
 * <p>A write that may have been done or not was done if it was read; else it is left out, which no
 * order minds. So each violation is shown by at most six events.
 */
final class RegisterChecker {
    /**
     * Why there is no order.
     *
     * @param events those that have none, however the others are ordered.
     */
    record Violation(String why, List<Event> events) {
        @Override
        public String toString() {
            StringBuilder text = new StringBuilder(why);
            events.stream()
                    .distinct()
                    .sorted(Comparator.comparingLong(Event::invoked))
                    .forEach(event -> text.append("\n  ").append(event));
            return text.toString();
        }
    }

    /** A value's write, the one of its operations that ended first, and that which began last. */
    private static final class Cluster {
        private final Event write;
        private Event first;
        private Event last;
        private boolean isRead;

        Cluster(Event write) {
            this.write = write;
            this.first = write;
            this.last = write;
        }

        void add(Event read) {
            isRead = true;
            first = read.responded() < first.responded() ? read : first;
            last = read.invoked() > last.invoked() ? read : last;
        }

        boolean isForward() {
            return first.responded() < last.invoked();
        }

        long from() {
            return Math.min(first.responded(), last.invoked());
        }

        long to() {
            return Math.max(first.responded(), last.invoked());
        }

        List<Event> events() {
            return List.of(write, first, last);
        }
    }

    private RegisterChecker() {}

    /**
     * @param history of one block.
     * @param word which of the block's words: each is a register.
     * @param initial its value before all of this.
     */
    static Optional<Violation> check(List<Event> history, int word, long initial) {
        Map<Long, Cluster> clusters = new HashMap<>();
        clusters.put(
                initial,
                new Cluster(Event.write("before", 0, initial, Long.MIN_VALUE, Long.MIN_VALUE)));
        for (Event event : history) {
            if (event.isWrite()) {
                Cluster other = clusters.put(event.value(), new Cluster(event));
                if (other != null) {
                    throw new IllegalArgumentException(
                            "written twice: " + event + " and " + other.write);
                }
            }
        }
        for (Event event : history) {
            if (event.isWrite()) {
                continue;
            }
            Cluster cluster = clusters.get(event.valueAt(word));
            if (cluster == null) {
                return violation("read what nobody wrote", List.of(event));
            }
            if (event.responded() < cluster.write.invoked()) {
                return violation("read before it was written", List.of(event, cluster.write));
            }
            cluster.add(event);
        }
        clusters.values().removeIf(c -> !c.isRead && c.write.outcome() == Event.Outcome.UNKNOWN);
        return checkZones(clusters.values().stream().toList());
    }

    private static Optional<Violation> checkZones(List<Cluster> clusters) {
        List<Cluster> forward = new ArrayList<>();
        List<Cluster> backward = new ArrayList<>();
        clusters.forEach(c -> (c.isForward() ? forward : backward).add(c));
        forward.sort(Comparator.comparingLong(Cluster::from));
        for (int i = 1; i < forward.size(); i++) {
            if (forward.get(i).from() < forward.get(i - 1).to()) {
                return violation(
                        "two values, each of which the others must have followed",
                        forward.get(i - 1),
                        forward.get(i));
            }
        }
        // they do not overlap: the one that begins last before a zone is the only one it can be in
        for (Cluster zone : backward) {
            int low = 0;
            int high = forward.size();
            while (low < high) {
                int middle = (low + high) >>> 1;
                if (forward.get(middle).from() < zone.from()) {
                    low = middle + 1;
                } else {
                    high = middle;
                }
            }
            if (low > 0 && zone.to() < forward.get(low - 1).to()) {
                return violation("a value was there while another was", forward.get(low - 1), zone);
            }
        }
        return Optional.empty();
    }

    private static Optional<Violation> violation(String why, Cluster one, Cluster other) {
        List<Event> events = new ArrayList<>(one.events());
        events.addAll(other.events());
        return violation(why, events);
    }

    private static Optional<Violation> violation(String why, List<Event> events) {
        return Optional.of(new Violation(why, events));
    }
}
