package org.rbdwrapper.broker.watch;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

import java.util.ArrayList;
import java.util.List;

/** By the test's own time. */
final class StallFinderTest {
    private static final long SECOND = 1_000_000_000L;
    private static final long LOOKS_A_SECOND = SECOND / StallFinder.EVERY_NANOS;

    private final LogLines lines = new LogLines("stalls-" + System.nanoTime());
    private final List<Stuck> all = new ArrayList<>();
    private long now = -SECOND; // the clock of the host may say anything
    private final StallFinder finder = new StallFinder(lines.logger, now);
    private List<StallReport> reports = List.of();

    @BeforeEach
    void keepFromTheTestsLog() {
        lines.logger.setAdditive(false);
    }

    @AfterEach
    void close() {
        lines.close();
    }

    @Test
    void shouldTellOnceOfACallOfOverASecondAndOnceThatItIsOver() {
        Stuck one = stuck("pool rbd", "opening of image rbd/a");
        look(30 * LOOKS_A_SECOND);
        assertEquals(1, lines.all().size());
        String line = lines.all().getFirst();
        String begin = "WARN " + Thread.currentThread().getName() + " has been in one call for 1.";
        assertTrue(line.startsWith(begin), line);
        assertTrue(line.contains(": opening of image rbd/a: at "), line);
        assertTrue(line.contains(" < StallFinder.tell:"), line); // the stack, and all in one line
        assertEquals(1, line.lines().count());
        assertEquals(1, reports.size());
        assertEquals("opening of image rbd/a", reports.getFirst().what());
        assertEquals(30_000.0, (double) reports.getFirst().millis(now), 250.0);
        one.call = TurnCounter.NONE;
        look(30 * LOOKS_A_SECOND);
        assertEquals(2, lines.all().size());
        String end = lines.all().getLast();
        assertTrue(end.startsWith("INFO pool rbd: what was stuck for 30."), end);
        assertTrue(end.endsWith(" s is over (one call)"), end);
        assertEquals(List.of(), reports);
    }

    @Test
    void shouldSayNothingOfCallsOfASecond() {
        Stuck one = stuck("messenger-0", "requests");
        for (int i = 0; i < 100; i++) {
            one.call += 2;
            look(LOOKS_A_SECOND + 1); // the first of them sees it for the first time
            assertEquals(List.of(), reports);
        }
        assertEquals(List.of(), lines.all());
        look(1);
        assertEquals(1, lines.all().size()); // that was the longest that is not told
    }

    @Test
    void shouldSayNothingOfWhatWaits() {
        stuck("messenger-0", "requests").call = TurnCounter.NONE;
        look(1000);
        assertEquals(List.of(), lines.all());
    }

    @Test
    void shouldNotCountTimeInWhichNobodyRan() {
        Stuck one = stuck("conductor", "a message");
        for (int i = 0; i < 10; i++) {
            look(3);
            now += 3600 * SECOND; // the process is stopped, or its host asleep
            look(1);
            one.call += 2;
        }
        assertEquals(List.of(), lines.all());
        look(1);
        now += 3600 * SECOND;
        look(LOOKS_A_SECOND + 1); // it went on and is stuck, as is found in time
        assertEquals(1, lines.all().size());
    }

    @Test
    void shouldTellOfAllThatAreStuckAtOnePlaceInOneLine() {
        for (int i = 0; i < 16; i++) {
            stuck("pool sick", "opening of image sick/" + i);
        }
        look(2 * LOOKS_A_SECOND);
        assertEquals(1, lines.all().size());
        String line = lines.all().getFirst();
        assertTrue(line.contains(" and 15 more have been in one call"), line);
        assertEquals(16, reports.getFirst().threads());
        for (int i = 0; i < 16; i++) {
            all.get(i).call = TurnCounter.NONE; // it gives up, and the next one meets the same
            stuck("pool sick", "opening of image sick/" + i);
            look(LOOKS_A_SECOND / 2);
        }
        look(2 * LOOKS_A_SECOND);
        assertEquals(1, lines.all().size());
        assertEquals(16, reports.getFirst().threads());
        all.forEach(member -> member.call = TurnCounter.NONE);
        look(1);
        assertEquals(2, lines.all().size());
        assertTrue(lines.all().getLast().endsWith("(32 calls)"), lines.all().getLast());
    }

    @Test
    void shouldTellOfEachPlace() {
        stuck("pool sick", "opening of image sick/a");
        stuck("conductor", "a message");
        look(2 * LOOKS_A_SECOND);
        assertEquals(2, lines.all().size());
        assertEquals(2, reports.size());
    }

    @Test
    void shouldForgetACallThatIsNotSeenAnyMore() {
        Stuck one = stuck("pool rbd", "opening");
        look(2 * LOOKS_A_SECOND);
        all.clear(); // as a call that has ended
        one.call = TurnCounter.NONE;
        look(1);
        assertEquals(List.of(), reports);
        assertEquals(2, lines.all().size());
    }

    @Test
    void shouldWriteNoMoreLinesThanItMay() {
        for (int i = 0; i < 100; i++) {
            stuck("pool " + i, "opening");
        }
        look(20 * LOOKS_A_SECOND);
        assertEquals(StallFinder.LINES_A_MINUTE, lines.all().size());
        assertEquals(100, reports.size());
        all.forEach(one -> one.call = TurnCounter.NONE);
        look(20 * LOOKS_A_SECOND);
        // only what was told is over
        assertEquals(2 * StallFinder.LINES_A_MINUTE, lines.all().size());
    }

    @Test
    void shouldNotShowTheStackOfWhatCameAfter() {
        Stuck one = stuck("conductor", "a message");
        one.goesOnWhenItsStackIsTaken = true;
        look(20 * LOOKS_A_SECOND);
        assertTrue(one.call > 2);
        assertEquals(List.of(), lines.all());
    }

    @Test
    void shouldTellOfACallThatCannotBeDescribed() {
        stuck("pool rbd", null);
        look(2 * LOOKS_A_SECOND);
        assertEquals(1, lines.with("pool rbd (java.lang.IllegalStateException").size());
    }

    @Test
    void shouldSeeEachTurnAndEachWait() {
        TurnCounter turns = new TurnCounter();
        assertEquals(TurnCounter.NONE, turns.call());
        turns.onTurn();
        long first = turns.call();
        assertEquals(first, turns.call());
        turns.onTurn();
        long second = turns.call();
        assertTrue(first != TurnCounter.NONE && second != TurnCounter.NONE && first != second);
        turns.onWait();
        turns.onWait();
        assertEquals(TurnCounter.NONE, turns.call());
        turns.onTurn();
        assertTrue(turns.call() != TurnCounter.NONE && turns.call() != second);
    }

    private Stuck stuck(String place, String what) {
        Stuck one = new Stuck(place, what);
        one.now = now;
        all.add(one);
        return one;
    }

    private void look(long times) {
        for (int i = 0; i < times; i++) {
            now += StallFinder.EVERY_NANOS;
            reports = finder.look(all, now);
        }
    }

    /** This thread, in a call. */
    private static final class Stuck extends Watched {
        private final String place;
        private final String what;
        private long call;
        private long now;
        private boolean goesOnWhenItsStackIsTaken;

        Stuck(String place, String what) {
            this.place = place;
            this.what = what;
        }

        @Override
        Thread thread() {
            if (goesOnWhenItsStackIsTaken) {
                call += 2;
            }
            return Thread.currentThread();
        }

        @Override
        long call() {
            return call;
        }

        @Override
        long beganAt(long seen) {
            return now;
        }

        @Override
        String place() {
            return place;
        }

        @Override
        String what() {
            if (what == null) {
                throw new IllegalStateException("thrown by the test");
            }
            return what;
        }

        @Override
        boolean isOver() {
            return false;
        }
    }
}
