package org.rbdwrapper.broker.session;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.rbdwrapper.ipc.posix.UnixSocket;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;

final class ControlTurnsTest {
    private static final int ROOT = 0;
    private static final int BROKER = 900;
    private static final int ALICE = 1000;
    private static final int BOB = 1001;
    private static final long LONG = 2_000_000; // nanoseconds for one message
    private static final long SHORT = 20_000;

    private final ControlTurns turns = new ControlTurns(BROKER);
    private long now = 1_000_000_000_000L;
    private long ids;

    @Test
    void shouldTakeSessionsOfAUserOneAfterTheOther() {
        Session first = session(ALICE);
        Session second = session(ALICE);
        turns.add(first, now);
        turns.add(second, now);
        turns.add(first, now); // again, before it was taken
        assertSame(first, turns.next(now));
        assertSame(second, turns.next(now));
        assertNull(turns.next(now));
    }

    @Test
    void shouldTakeWhoHasTakenLeastHoweverManySessionsAnotherHas() {
        for (int i = 0; i < 64; i++) {
            turns.add(session(ALICE), now);
        }
        take(ALICE, LONG);
        Session bobs = session(BOB);
        turns.add(bobs, now);
        assertSame(bobs, turns.next(now));
    }

    @Test
    void shouldNotPutWhoWasAwayBeforeAllOthersForAllThatHeDidNotWant() {
        turns.add(session(ROOT), now);
        for (int i = 0; i < 1000; i++) {
            turns.add(session(ROOT), now);
            take(ROOT, LONG);
        }
        Session late = session(BROKER);
        long before = 0;
        for (turns.add(late, now); turns.next(now) == late; turns.add(late, now)) {
            turns.charge(BROKER, LONG, now);
            before += LONG;
        }
        assertTrue(before >= LONG && before <= ControlTurns.ADVANTAGE_NANOS + LONG, before + " ns");
    }

    @Test
    void shouldLetAUserWaitWhoTakesMoreThanHisShare() {
        Session session = session(ALICE);
        while (!turns.add(session, now)) {
            take(ALICE, LONG);
        }
        assertNull(turns.next(now));
        long wait = turns.nanosUntilNext(now);
        assertTrue(
                wait > 0 && wait <= (LONG + ControlTurns.PORTION_NANOS) / ControlTurns.SHARE + 1,
                wait + " ns");
        now += wait + 1000;
        assertEquals(0, turns.nanosUntilNext(now));
        assertSame(session, turns.next(now));
    }

    @Test
    void shouldLetWhoHadToWaitHaveAPortionAtOnce() {
        Session session = session(ALICE);
        while (!turns.add(session, now)) {
            take(ALICE, SHORT);
        }
        for (int i = 0; i < 5; i++) {
            now += turns.nanosUntilNext(now);
            long taken = 0;
            do {
                take(ALICE, SHORT);
                taken += SHORT;
                now += SHORT;
            } while (!turns.add(session, now));
            assertTrue(taken >= ControlTurns.PORTION_NANOS, taken + " ns");
            assertTrue(taken <= 2 * ControlTurns.PORTION_NANOS, taken + " ns");
        }
    }

    @Test
    void shouldNotLetAnAdministratorWait() {
        for (int uid : new int[] {ROOT, BROKER}) {
            Session session = session(uid);
            for (int i = 0; i < 1000; i++) {
                assertFalse(turns.add(session, now));
                take(uid, LONG);
            }
        }
    }

    @Test
    void shouldSayThatNobodyWaits() {
        assertEquals(Long.MAX_VALUE, turns.nanosUntilNext(now));
        turns.add(session(ALICE), now);
        assertEquals(0, turns.nanosUntilNext(now));
    }

    @Test
    void shouldShareTheTimeEvenlyAmongThoseWhoWantIt() {
        Random random = new Random(4711);
        Map<Integer, Long> taken = new HashMap<>();
        List<Session> all = new ArrayList<>();
        for (int i = 0; i < 50; i++) {
            all.add(session(ROOT));
        }
        all.add(session(BROKER));
        all.forEach(session -> turns.add(session, now));
        for (int i = 0; i < 10_000; i++) {
            Session session = turns.next(now);
            long took = session.peer.uid() == ROOT ? LONG : SHORT + random.nextLong(SHORT);
            taken.merge(session.peer.uid(), took, Long::sum);
            now += took;
            turns.charge(session.peer.uid(), took, now);
            turns.add(session, now);
        }
        double ratio = (double) taken.get(ROOT) / taken.get(BROKER);
        assertTrue(ratio > 0.9 && ratio < 1.1, "ratio " + ratio);
    }

    @Test
    void shouldGiveNoUserMoreThanHisShareInTheLongRun() {
        Session session = session(ALICE);
        long began = now;
        long taken = 0;
        while (now - began < 10_000_000_000L) {
            turns.add(session, now);
            Session next = turns.next(now);
            if (next == null) {
                now += 1_000_000;
            } else {
                now += LONG;
                taken += LONG;
                turns.charge(ALICE, LONG, now);
            }
        }
        double share = (double) (taken - ControlTurns.BURST_NANOS) / (now - began);
        assertTrue(Math.abs(share - ControlTurns.SHARE) < 0.02, "share " + share);
    }

    private void take(int uid, long nanos) {
        Session session = turns.next(now);
        assertNotNull(session);
        assertEquals(uid, session.peer.uid());
        turns.charge(uid, nanos, now);
    }

    private Session session(int uid) {
        return new Session(++ids, -1, new UnixSocket.Peer(1, uid, uid), Set.of(), 0, 0);
    }
}
