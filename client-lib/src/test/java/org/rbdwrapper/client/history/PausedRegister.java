package org.rbdwrapper.client.history;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * What a register promises whose server is replaced now and then, with clients that make again what
 * had no answer.
 *
 * <ul>
 *   <li>From one pause to the next it is linearizable.
 *   <li>What it holds after a pause is what it held before, or the value of a write that had no
 *       answer then: such a write may take effect once more, in the pause.
 *   <li>What was begun after a pause is not undone by that. (A write that had no answer and has not
 *       been seen may also take effect later: for the first time.)
 * </ul>
 *
 * <p>That is less than linearizability where writes of the same register are under way at the same
 * time when the server ends: one of them may have been seen, then the other, and then the first
 * again. Who has others wait until a write is answered, as programs do that share a file, sees no
 * difference.
 */
final class PausedRegister {
    private static final Pause BEFORE_ALL = new Pause(Long.MIN_VALUE, Long.MIN_VALUE);
    private static final Pause AFTER_ALL = new Pause(Long.MAX_VALUE, Long.MAX_VALUE);

    /** A value that nobody writes: what was there before, where nobody has looked. */
    private static final long NEVER_SEEN = Long.MIN_VALUE;

    private final List<Event> history;
    private final int word;

    private PausedRegister(List<Event> history, int word) {
        this.history = history;
        this.word = word;
    }

    /**
     * @param history of one block.
     * @param word which of the block's words: each is a register.
     * @param initial its value before all of this.
     * @param pauses in their order.
     */
    static Optional<RegisterChecker.Violation> check(
            List<Event> history, int word, long initial, List<Pause> pauses) {
        return new PausedRegister(history, word).check(initial, pauses);
    }

    private Optional<RegisterChecker.Violation> check(long initial, List<Pause> pauses) {
        Set<Long> held = Set.of(initial);
        Pause last = BEFORE_ALL;
        for (int i = 0; i <= pauses.size(); i++) {
            Pause next = i < pauses.size() ? pauses.get(i) : AFTER_ALL;
            List<Event> epoch = between(last, next);
            List<Event> old = readsOfWhatWasThere(epoch);
            Set<Long> found = new HashSet<>();
            old.forEach(read -> found.add(read.valueAt(word)));
            if (found.size() > 1) {
                return violation("two values of before the pause, each after it", old);
            }
            if (!held.containsAll(found)) {
                return violation("a value that the pause cannot have left", old);
            }
            long before = found.isEmpty() ? NEVER_SEEN : found.iterator().next();
            Optional<RegisterChecker.Violation> within = RegisterChecker.check(epoch, word, before);
            if (within.isPresent()) {
                return within;
            }
            held = heldAfter(epoch, found.isEmpty() ? held : found, next);
            last = next;
        }
        return Optional.empty();
    }

    /**
     * What may have taken effect between them and, as far as it says something of that, was seen.
     */
    private List<Event> between(Pause last, Pause next) {
        List<Event> epoch = new ArrayList<>();
        for (Event event : history) {
            if (event.responded() < last.ended() || event.invoked() >= next.ended()) {
                continue;
            }
            boolean isNew = event.invoked() >= last.noticed();
            boolean isAnswered = event.responded() < next.ended();
            if (isNew && isAnswered) {
                epoch.add(event);
            } else if (event.isWrite() && !wasSeen(event, last)) {
                // if it had reached nobody, it comes for the first time, and at any time
                epoch.add(
                        Event.unknown(
                                event.client(),
                                event.block(),
                                event.value(),
                                Math.max(event.invoked(), last.ended()),
                                isAnswered ? event.responded() : Event.NEVER));
            }
        }
        return epoch;
    }

    /** Then it may take effect once more in the pause, but not after it. */
    private boolean wasSeen(Event write, Pause pause) {
        return history.stream()
                .anyMatch(
                        event ->
                                !event.isWrite()
                                        && event.responded() < pause.ended()
                                        && event.valueAt(word) == write.valueAt(word));
    }

    private List<Event> readsOfWhatWasThere(List<Event> epoch) {
        Set<Long> written = new HashSet<>();
        epoch.stream().filter(Event::isWrite).forEach(write -> written.add(write.valueAt(word)));
        return epoch.stream()
                .filter(event -> !event.isWrite() && !written.contains(event.valueAt(word)))
                .toList();
    }

    /** What may stand there at the end of the pause. */
    private Set<Long> heldAfter(List<Event> epoch, Set<Long> before, Pause pause) {
        Set<Long> held = new HashSet<>();
        for (Event event : history) {
            boolean underWay =
                    event.invoked() < pause.ended() && event.responded() >= pause.ended();
            if (event.isWrite() && underWay) {
                held.add(event.valueAt(word));
            }
        }
        // the last write for certain: what was answered before it was begun is overwritten
        long lastBegun =
                epoch.stream()
                        .filter(e -> e.isWrite() && e.outcome() == Event.Outcome.DONE)
                        .mapToLong(Event::invoked)
                        .max()
                        .orElse(Long.MIN_VALUE);
        epoch.stream()
                .filter(e -> e.isWrite() && e.responded() >= lastBegun)
                .forEach(write -> held.add(write.valueAt(word)));
        if (lastBegun == Long.MIN_VALUE) {
            held.addAll(before);
        }
        return held;
    }

    private static Optional<RegisterChecker.Violation> violation(String why, List<Event> events) {
        return Optional.of(new RegisterChecker.Violation(why, events));
    }
}
