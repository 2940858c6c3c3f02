package org.rbdwrapper.broker.session;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.rbdwrapper.broker.ProcessStart;
import org.rbdwrapper.broker.messenger.OpenMappings;
import org.rbdwrapper.broker.messenger.UnflushedMappings;
import org.rbdwrapper.ipc.posix.UnixSocket;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Who is waited for after a broker's start, for how long, and who is told that it is late. */
final class ReturnGraceTest {
    private static final long LIMIT = ReturnGrace.LIMIT_NANOS;
    private static final long HELD_UP_LIMIT = ReturnGrace.HELD_UP_LIMIT_NANOS;
    private static final long PATIENCE = ReopenRetry.PATIENCE_NANOS;
    private static final int PID = (int) ProcessHandle.current().pid();
    private static final int UID = 1000;
    private static final OpenMappings MAPPINGS = new OpenMappings(Set.of(5L, 6L), 0);
    private static final SessionKey A = new SessionKey(1, 1);
    private static final SessionKey A_AGAIN = new SessionKey(2, 1);
    private static final SessionKey B = new SessionKey(1, 2);
    private static final SessionKey B_AGAIN = new SessionKey(2, 2);

    private final Set<SessionKey> forgotten = new HashSet<>();
    private final List<Session> cutOff = new ArrayList<>();
    private final Session sessionA = session();
    private final Set<SessionKey> late = new HashSet<>();
    private Runnable afterMarking;
    private boolean isOver;
    private boolean isHeldUp;

    @Test
    void shouldNotWaitWhereNobodyHadRequests() {
        assertTrue(grace(Map.of()).isOver());
        assertTrue(grace(Map.of(A, entry(false))).isOver());
    }

    @Test
    void shouldWaitUntilWhoHadRequestsHasItsAnswers() {
        ReturnGrace grace = grace(Map.of(A, entry(true), B, entry(false)));
        assertFalse(isOver);
        assertEquals(Set.of(A), grace.admit(sessionA, A_AGAIN, A, 10).keys());
        assertTrue(grace.isReturning(sessionA));
        grace.look(LIMIT / 2);
        assertFalse(isOver);
        grace.onReturned(sessionA);
        assertTrue(isOver);
        assertEquals(
                Set.of(B), grace.admit(session(), B_AGAIN, B, LIMIT).keys(), "idle: never late");
    }

    @Test
    void shouldTellWhoDoesNotComeInTimeThatItIsLate() {
        ReturnGrace grace = grace(Map.of(A, entry(true)));
        grace.look(LIMIT - 1);
        assertFalse(isOver);
        grace.look(LIMIT);
        assertFalse(isOver, "before it is noted");
        assertEquals(Set.of(A), late);
        assertTrue(grace.admit(sessionA, A_AGAIN, A, LIMIT).isLate());
        afterMarking.run();
        assertTrue(isOver);
    }

    @Test
    void shouldNotWaitForProcessThatIsGone() {
        ReturnGrace grace = grace(Map.of(A, ended(true)));
        grace.look(1);
        assertTrue(isOver);
        assertEquals(Set.of(A), forgotten, "it does not come back");
    }

    @Test
    void shouldForgetWhoHadNoRequestsAndEnds() {
        ReturnGrace grace = grace(Map.of(A, ended(false), B, entry(false)));
        assertTrue(grace.isOver());
        grace.look(1);
        assertEquals(Set.of(A), forgotten);
        grace.look(20 * LIMIT);
        assertEquals(Set.of(A), forgotten, "who is there may come back at any time");
    }

    /** It may be stopped between its return and its requests. */
    @Test
    void shouldEndSessionThatComesBackAndDoesNothing() {
        ReturnGrace grace = grace(Map.of(A, entry(true)));
        grace.admit(sessionA, A_AGAIN, A, LIMIT - 1);
        grace.look(LIMIT);
        grace.look(2 * LIMIT - 2);
        assertEquals(List.of(), cutOff);
        grace.look(2 * LIMIT);
        grace.look(2 * LIMIT + 1);
        assertEquals(List.of(sessionA), cutOff);
        assertFalse(isOver, "something of it may be under way");
        grace.onReturned(sessionA);
        assertEquals(Set.of(A, A_AGAIN), late);
        afterMarking.run();
        assertTrue(isOver);
        Lineage lineage = grace.admit(session(), B_AGAIN, A_AGAIN, 2 * LIMIT + 2);
        assertTrue(lineage.isLate());
        assertEquals(Set.of(A, A_AGAIN), lineage.keys(), "both are forgotten when it is back");
    }

    @Test
    void shouldWaitForStoreThatHasRequestsOfWhoIsBack() {
        ReturnGrace grace = grace(Map.of(A, entry(true)));
        grace.admit(sessionA, A_AGAIN, A, 0);
        sessionA.pendingOpens = 1;
        grace.look(20 * LIMIT);
        assertEquals(List.of(), cutOff);
        sessionA.pendingOpens = 0;
        grace.onReturned(sessionA);
        assertTrue(isOver);
        assertEquals(Set.of(), late);
    }

    @Test
    void shouldLetOthersGoOnWhereWhatOneHadOpenCannotBeOpenedForLong() {
        ReturnGrace grace = grace(Map.of(A, entry(true)));
        grace.admit(sessionA, A_AGAIN, A, 0);
        refuseToOpen(sessionA);
        grace.look(PATIENCE - 1);
        grace.look(PATIENCE + LIMIT - 2);
        assertEquals(List.of(), cutOff);
        grace.look(PATIENCE + LIMIT - 1);
        assertEquals(List.of(sessionA), cutOff);
    }

    @Test
    void shouldWaitForWhatCannotBeOpenedAsLongAsNobodyElseWaits() {
        ReturnGrace grace = graceThatNobodyWaitsFor(Map.of(A, entry(true)));
        grace.admit(sessionA, A_AGAIN, A, 0);
        refuseToOpen(sessionA);
        grace.look(PATIENCE);
        grace.look(20 * PATIENCE);
        assertEquals(List.of(), cutOff);
    }

    private static void refuseToOpen(Session session) {
        session.pendingOpens = 1;
        session.reopenRefused = true;
    }

    /** Which comes back with one after the other. */
    @Test
    void shouldWaitForSessionsOfAProcessForWhichTheStoreWorks() {
        ReturnGrace grace = grace(Map.of(A, entry(true), B, entry(true)));
        grace.admit(sessionA, A_AGAIN, A, 0);
        sessionA.pendingOpens = 1;
        grace.look(20 * LIMIT);
        sessionA.pendingOpens = 0;
        grace.onReturned(sessionA);
        grace.look(21 * LIMIT - 1);
        assertEquals(Set.of(), late);
        grace.look(21 * LIMIT);
        assertEquals(Set.of(B), late);
    }

    @Test
    void shouldEndSessionThatMakesMoreRequestsThanItCanHaveHad() {
        ReturnGrace grace = grace(Map.of(A, entry(true)));
        grace.admit(sessionA, A_AGAIN, A, 0);
        sessionA.finishedRequests = 1; // of a session without channels
        grace.look(1);
        assertEquals(List.of(sessionA), cutOff);
    }

    @Test
    void shouldWaitLongerForWhoIsKeptFromRunning() {
        ReturnGrace grace = grace(Map.of(A, entry(true), B, entry(true)));
        isHeldUp = true;
        grace.admit(sessionA, A_AGAIN, A, 0);
        grace.look(LIMIT - 1);
        grace.look(HELD_UP_LIMIT - 1);
        assertEquals(Set.of(), late);
        assertEquals(List.of(), cutOff);
        grace.look(HELD_UP_LIMIT);
        assertEquals(List.of(sessionA), cutOff);
        grace.onReturned(sessionA);
        assertEquals(Set.of(A, A_AGAIN, B), late);
    }

    @Test
    void shouldNotWaitLongerForWhoIsKeptFromRunningNoMore() {
        ReturnGrace grace = grace(Map.of(A, entry(true)));
        isHeldUp = true;
        grace.look(2 * LIMIT);
        assertEquals(Set.of(), late);
        isHeldUp = false;
        grace.look(2 * LIMIT + 1);
        assertEquals(Set.of(A), late);
    }

    @Test
    void shouldWaitForProcessThatCannotBeSeen() {
        ReturnGrace grace = grace(Map.of(A, hidden(true), B, hidden(false)));
        grace.look(LIMIT - 1);
        assertEquals(Set.of(), late);
        grace.look(LIMIT);
        assertEquals(Set.of(A), late);
        grace.look(ReturnGrace.HIDDEN_LIMIT_NANOS - 1);
        assertEquals(Set.of(A), late, "may come back at any time");
        grace.look(2 * ReturnGrace.HIDDEN_LIMIT_NANOS);
        assertEquals(Set.of(A, B), forgotten);
    }

    @Test
    void shouldKnowWhatThoseMayHaveOpenWhoAreNotBack() {
        ReturnGrace grace = grace(Map.of(A, entry(true), B, entry(false)));
        assertEquals(2, grace.absentUsers(5).size());
        assertEquals(List.of(), grace.absentUsers(7));
        assertEquals(MAPPINGS, grace.admit(sessionA, A_AGAIN, A, 0).mappings());
        assertEquals(1, grace.absentUsers(6).size());
        grace.admit(session(), B_AGAIN, B, 0);
        assertEquals(List.of(), grace.absentUsers(6));
    }

    @Test
    void shouldKnowWhatThoseMayHaveOpenWhoAreLateUntilTheyComeOrEnd() {
        ReturnGrace grace = grace(Map.of(A, entry(true), B, hidden(true)));
        grace.look(LIMIT);
        assertEquals(Set.of(A, B), late);
        assertEquals(2, grace.absentUsers(5).size());
        Lineage lineage = grace.admit(sessionA, A_AGAIN, A, LIMIT + 1);
        assertEquals(Set.of(A), lineage.keys());
        assertEquals(MAPPINGS, lineage.mappings());
        assertEquals(1, grace.absentUsers(5).size());
        grace.look(2 * ReturnGrace.HIDDEN_LIMIT_NANOS);
        assertEquals(List.of(), grace.absentUsers(5), "nobody would hear of its end");
    }

    /** And had come back to that broker, which ended before they had their answers. */
    @Test
    void shouldKnowWhoWasLateWithABrokerBefore() {
        String time = ProcessStart.timeOf(PID);
        ReturnGrace grace =
                grace(
                        Map.of(
                                A,
                                        new SessionRoster.Entry(
                                                PID,
                                                UID,
                                                time,
                                                null,
                                                MAPPINGS,
                                                true,
                                                UnflushedMappings.NONE,
                                                true),
                                A_AGAIN,
                                        new SessionRoster.Entry(
                                                PID,
                                                UID,
                                                time,
                                                A,
                                                OpenMappings.NONE,
                                                true,
                                                UnflushedMappings.NONE,
                                                false)));
        assertTrue(isOver, "others have gone on already");
        assertEquals(1, grace.absentUsers(5).size());
        Lineage lineage = grace.admit(sessionA, B_AGAIN, A_AGAIN, 0);
        assertTrue(lineage.isLate());
        assertEquals(Set.of(A, A_AGAIN), lineage.keys());
        assertEquals(List.of(), grace.absentUsers(5));
    }

    @Test
    void shouldForgetWhoWasLateWithABrokerBeforeAndEnds() {
        ReturnGrace grace =
                grace(
                        Map.of(
                                A,
                                new SessionRoster.Entry(
                                        PID,
                                        UID,
                                        "0",
                                        null,
                                        MAPPINGS,
                                        true,
                                        UnflushedMappings.NONE,
                                        true)));
        grace.look(0);
        assertEquals(Set.of(A), forgotten);
        assertEquals(Lineage.LATE, grace.admit(sessionA, A_AGAIN, A, 0));
    }

    /** More than have a place in the note of a session. */
    @Test
    void shouldTakeAnyOlderMappingForOpenWhereNotAllAreKnown() {
        OpenMappings mappings = new OpenMappings(Set.of(9L), 7);
        String time = ProcessStart.timeOf(PID);
        ReturnGrace grace =
                grace(
                        Map.of(
                                A,
                                new SessionRoster.Entry(
                                        PID,
                                        UID,
                                        time,
                                        null,
                                        mappings,
                                        true,
                                        UnflushedMappings.NONE,
                                        false)));
        assertEquals(1, grace.absentUsers(6).size());
        assertEquals(1, grace.absentUsers(7).size());
        assertEquals(List.of(), grace.absentUsers(8));
        assertEquals(1, grace.absentUsers(9).size());
    }

    @Test
    void shouldKnowWhatItMayHaveOpenWhoseSessionItEnded() {
        ReturnGrace grace = grace(Map.of(A, entry(true)));
        grace.admit(sessionA, A_AGAIN, A, 0);
        assertFalse(grace.isCutOff(sessionA));
        grace.look(LIMIT);
        assertTrue(grace.isCutOff(sessionA));
        assertEquals(List.of(sessionA), cutOff);
        grace.onReturned(sessionA);
        afterMarking.run();
        assertEquals(1, grace.absentUsers(5).size());
        assertEquals(MAPPINGS, grace.admit(session(), B_AGAIN, A_AGAIN, LIMIT).mappings());
        assertEquals(List.of(), grace.absentUsers(5));
    }

    @Test
    void shouldNotTakeAProcessThatHasEndedForAUser() {
        assertEquals(List.of(), grace(Map.of(A, ended(false))).absentUsers(5));
    }

    @Test
    void shouldGiveThoseTheirTimeWhoComeBackByThemselves() {
        ReturnGrace grace = grace(Map.of());
        assertTrue(grace.isTimeToComeBack(LIMIT - 1));
        assertFalse(grace.isTimeToComeBack(LIMIT));
    }

    /** Every client knows the keys of all: the generation is the broker's, the id is small. */
    @Test
    void shouldNotLetOneProcessComeBackForAnother() {
        ReturnGrace grace = grace(Map.of(A, entry(true), B, hidden(true)));
        assertEquals(Lineage.LATE, grace.admit(session(PID + 1, UID), A_AGAIN, A, 0));
        assertEquals(Lineage.LATE, grace.admit(session(0, UID), A_AGAIN, A, 0));
        assertEquals(Lineage.LATE, grace.admit(session(PID, UID + 1), B_AGAIN, B, 0));
        assertEquals(Lineage.LATE, grace.admit(session(0, UID + 1), B_AGAIN, B, 0));
        assertEquals(Set.of(A), grace.admit(sessionA, A_AGAIN, A, 0).keys());
        assertEquals(Set.of(B), grace.admit(session(0, UID), B_AGAIN, B, 0).keys());
    }

    /** The next broker may not be in a container of its own. */
    @Test
    void shouldKnowAProcessThatCouldNotBeSeenByItsUser() {
        ReturnGrace grace = grace(Map.of(A, hidden(true)));
        assertEquals(Set.of(A), grace.admit(session(PID, UID), A_AGAIN, A, 0).keys());
    }

    /**
     * Of one who has said to the broker before, without being believed, that it was the other; the
     * other's note may be found first or last.
     */
    @Test
    void shouldNotTakeTheSessionsOfTwoProcessesForOneClients() {
        for (long id = 1; id <= 64; id++) {
            SessionKey claims = new SessionKey(1, id);
            SessionKey claimed = new SessionKey(1, 65 - id);
            SessionRoster.Entry hostile =
                    new SessionRoster.Entry(
                            1,
                            UID + 1,
                            "1",
                            claimed,
                            MAPPINGS,
                            false,
                            UnflushedMappings.NONE,
                            false);
            ReturnGrace grace = grace(Map.of(claims, hostile, claimed, entry(true)));
            assertEquals(Lineage.LATE, grace.admit(session(1, UID + 1), B_AGAIN, claimed, 0));
            assertEquals(Set.of(claimed), grace.admit(session(), A_AGAIN, claimed, 0).keys());
        }
    }

    /** Under hidepid, or where only one of the brokers was in a container of its own. */
    @Test
    void shouldTakeTheSessionsOfAProcessForOneClientsThatOnlyOneBrokerCouldSee() {
        SessionRoster.Entry unseen =
                new SessionRoster.Entry(
                        PID,
                        UID,
                        SessionRoster.Entry.HIDDEN,
                        A,
                        MAPPINGS,
                        false,
                        UnflushedMappings.NONE,
                        false);
        ReturnGrace grace = grace(Map.of(A, entry(true), A_AGAIN, unseen));
        assertEquals(Set.of(A, A_AGAIN), grace.admit(session(), B_AGAIN, A, 0).keys());
    }

    @Test
    void shouldNotTakeAClientThatHasEndedForOneThatIsLate() {
        ReturnGrace grace = grace(Map.of(A, entry(true)));
        grace.admit(sessionA, A_AGAIN, A, 0);
        sessionA.ended(); // and a request of it hangs in the store
        grace.look(20 * LIMIT);
        assertFalse(isOver);
        assertFalse(grace.isCutOff(sessionA));
        grace.onReturned(sessionA);
        assertTrue(isOver);
        assertEquals(Set.of(), late);
    }

    /** Which has changed its user meanwhile. */
    @Test
    void shouldKnowAProcessByItsNumber() {
        ReturnGrace grace = grace(Map.of(A, entry(true)));
        assertEquals(Set.of(A), grace.admit(session(PID, UID + 1), A_AGAIN, A, 0).keys());
    }

    private ReturnGrace grace(Map<SessionKey, SessionRoster.Entry> before) {
        ReturnGrace grace = graceThatNobodyWaitsFor(before);
        grace.whenOver(() -> isOver = true);
        return grace;
    }

    private ReturnGrace graceThatNobodyWaitsFor(Map<SessionKey, SessionRoster.Entry> before) {
        return new ReturnGrace(
                new HashMap<>(before), // as the roster's: asked for null, too
                0,
                new ReturnGrace.Notes() {
                    @Override
                    public void forget(Set<SessionKey> keys, Runnable then) {
                        forgotten.addAll(keys);
                        then.run();
                    }

                    @Override
                    public void markLate(Set<SessionKey> keys, Runnable then) {
                        late.addAll(keys);
                        afterMarking = then;
                    }
                },
                cutOff::add,
                (pid, now) -> isHeldUp);
    }

    private static Session session() {
        return session(PID, UID);
    }

    private static Session session(int pid, int uid) {
        return new Session(1, -1, new UnixSocket.Peer(pid, uid, 0), Set.of(), 0, 0);
    }

    /** Its number is another process's by now. */
    private static SessionRoster.Entry ended(boolean hadRequests) {
        return new SessionRoster.Entry(
                PID, UID, "0", null, MAPPINGS, hadRequests, UnflushedMappings.NONE, false);
    }

    private static SessionRoster.Entry hidden(boolean hadRequests) {
        String time = SessionRoster.Entry.HIDDEN;
        return new SessionRoster.Entry(
                0, UID, time, null, MAPPINGS, hadRequests, UnflushedMappings.NONE, false);
    }

    private static SessionRoster.Entry entry(boolean hadRequests) {
        String time = ProcessStart.timeOf(PID);
        return new SessionRoster.Entry(
                PID, UID, time, null, MAPPINGS, hadRequests, UnflushedMappings.NONE, false);
    }
}
