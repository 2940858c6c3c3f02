package org.rbdwrapper.client.history;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.SplittableRandom;

/** The checker of histories: what it accepts, what it rejects, and with which events. */
final class RegisterCheckerTest {
    private static final long INITIAL = 0;

    @Test
    void shouldAcceptWhatIsDoneInTurn() {
        assertAccepted(write("A", 1, 10, 20), read("B", 1, 30, 40), write("A", 2, 50, 60));
    }

    @Test
    void shouldAcceptNothing() {
        assertAccepted();
    }

    @Test
    void shouldAcceptInitialValueUntilSomethingIsWritten() {
        assertAccepted(read("B", INITIAL, 1, 2), write("A", 1, 10, 20), read("B", 1, 30, 40));
    }

    @Test
    void shouldAcceptEitherValueWhileWriteIsUnderWay() {
        assertAccepted(write("A", 1, 10, 100), read("B", INITIAL, 20, 30), read("C", 1, 40, 50));
    }

    @Test
    void shouldRejectReadOfOldValueAfterReadOfNewOne() {
        assertRejected(write("A", 1, 10, 100), read("B", 1, 20, 30), read("C", INITIAL, 40, 50));
    }

    @Test
    void shouldRejectStaleRead() {
        Event stale = read("B", 1, 50, 60);
        RegisterChecker.Violation found =
                assertRejected(write("A", 1, 10, 20), write("A", 2, 30, 40), stale);
        assertTrue(found.events().contains(stale), found.toString());
    }

    @Test
    void shouldRejectLostWrite() {
        assertRejected(write("A", 1, 10, 20), read("B", INITIAL, 30, 40));
    }

    @Test
    void shouldRejectValueThatNobodyWrote() {
        assertRejected(write("A", 1, 10, 20), read("B", 7, 30, 40));
    }

    @Test
    void shouldRejectReadBeforeWrite() {
        assertRejected(read("B", 1, 10, 20), write("A", 1, 30, 40));
    }

    /** The example of the broker's return grace: a write that is made again over a later one. */
    @Test
    void shouldRejectWriteMadeAgainOverLaterOne() {
        RegisterChecker.Violation found =
                assertRejected(
                        write("A", 1, 10, 1000),
                        read("B", 1, 20, 30),
                        write("B", 2, 100, 110),
                        read("B", 1, 2000, 2010));
        assertEquals(
                Set.of("A", "B"),
                new HashSet<>(found.events().stream().map(Event::client).toList()));
    }

    @Test
    void shouldAcceptWriteMadeAgainThatNobodyHadSeen() {
        assertAccepted(write("A", 1, 10, 1000), write("B", 2, 100, 110), read("B", 1, 2000, 2010));
    }

    @Test
    void shouldAcceptPendingWriteAtAnyLaterTimeAndNever() {
        Event pending = Event.unknown("A", 0, 1, 10, Event.NEVER);
        assertAccepted(pending, write("B", 2, 20, 30), read("B", 2, 40, 50));
        assertAccepted(pending, write("B", 2, 20, 30), read("B", 1, 4000, 5000));
    }

    @Test
    void shouldRejectPendingWriteThatComesTwice() {
        assertRejected(
                Event.unknown("A", 0, 1, 10, Event.NEVER),
                read("B", 1, 11, 12),
                write("B", 2, 20, 30),
                read("B", 1, 40, 50));
    }

    /** One that failed may have been done, but not later than it said so. */
    @Test
    void shouldRejectFailedWriteThatTakesEffectLater() {
        Event failed = Event.unknown("A", 0, 1, 10, 100);
        assertAccepted(failed, read("B", 1, 110, 120));
        assertAccepted(failed, read("B", INITIAL, 110, 120));
        assertRejected(failed, read("B", INITIAL, 110, 120), read("B", 1, 130, 140));
    }

    @Test
    void shouldTellWordsOfTornReadApart() {
        Event torn =
                new Event(
                        "B",
                        0,
                        false,
                        1,
                        List.of(new Event.Run(1, 3), new Event.Run(INITIAL, 5)),
                        15,
                        18,
                        Event.Outcome.DONE);
        List<Event> during = List.of(write("A", 1, 10, 20), torn);
        assertFalse(RegisterChecker.check(during, 2, INITIAL).isPresent());
        assertFalse(RegisterChecker.check(during, 3, INITIAL).isPresent());
        List<Event> after = List.of(write("A", 1, 10, 12), torn);
        assertFalse(RegisterChecker.check(after, 2, INITIAL).isPresent());
        assertTrue(RegisterChecker.check(after, 3, INITIAL).isPresent());
    }

    /** Against a search through all orders. */
    @Test
    void shouldAgreeWithSearchOfAllOrders() {
        SplittableRandom random = new SplittableRandom(42);
        int accepted = 0;
        int histories = 20_000;
        for (int i = 0; i < histories; i++) {
            List<Event> history = randomHistory(random);
            boolean possible = hasOrder(history, INITIAL);
            accepted += possible ? 1 : 0;
            assertEquals(
                    possible,
                    RegisterChecker.check(history, 0, INITIAL).isEmpty(),
                    () -> "of " + history);
        }
        assertTrue(accepted > histories / 10 && accepted < histories * 9 / 10, accepted + "");
    }

    private static List<Event> randomHistory(SplittableRandom random) {
        int count = 1 + random.nextInt(7);
        List<Event> history = new ArrayList<>();
        int written = 0;
        for (int i = 0; i < count; i++) {
            long invoked = random.nextInt(20);
            long responded = invoked + 1 + random.nextInt(12);
            if (random.nextBoolean()) {
                boolean known = random.nextInt(3) > 0;
                boolean pending = !known && random.nextBoolean();
                written++;
                history.add(
                        known
                                ? write("c" + i, written, invoked, responded)
                                : Event.unknown(
                                        "c" + i,
                                        0,
                                        written,
                                        invoked,
                                        pending ? Event.NEVER : responded));
            } else {
                history.add(read("c" + i, random.nextInt(4), invoked, responded));
            }
        }
        return history;
    }

    /** Takes each of those that may be next, in turn: none that begins after another's end. */
    private static boolean hasOrder(List<Event> left, long value) {
        if (left.stream().noneMatch(event -> event.outcome() == Event.Outcome.DONE)) {
            return true;
        }
        // one that may not have been done keeps nobody waiting
        long firstEnd =
                left.stream()
                        .filter(event -> event.outcome() == Event.Outcome.DONE)
                        .mapToLong(Event::responded)
                        .min()
                        .orElseThrow();
        for (Event next : left) {
            if (next.invoked() > firstEnd || (!next.isWrite() && next.value() != value)) {
                continue;
            }
            List<Event> rest = new ArrayList<>(left);
            rest.remove(next);
            // what had to come before it, and may not have been done, was not
            rest.removeIf(
                    event ->
                            event.outcome() == Event.Outcome.UNKNOWN
                                    && event.responded() < next.invoked());
            if (hasOrder(rest, next.isWrite() ? next.value() : value)) {
                return true;
            }
        }
        return false;
    }

    private static Event write(String client, long value, long invoked, long responded) {
        return Event.write(client, 0, value, invoked, responded);
    }

    private static Event read(String client, long value, long invoked, long responded) {
        return Event.read(client, 0, value, invoked, responded);
    }

    private static void assertAccepted(Event... history) {
        Optional<RegisterChecker.Violation> found =
                RegisterChecker.check(List.of(history), 0, INITIAL);
        assertTrue(found.isEmpty(), () -> found + "");
    }

    private static RegisterChecker.Violation assertRejected(Event... history) {
        return RegisterChecker.check(List.of(history), 0, INITIAL).orElseThrow();
    }
}
