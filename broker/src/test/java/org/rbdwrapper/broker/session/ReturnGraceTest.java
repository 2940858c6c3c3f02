package org.rbdwrapper.broker.session;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.rbdwrapper.broker.ProcessStart;

import java.util.HashSet;
import java.util.Map;
import java.util.Set;

class ReturnGraceTest {
    private static final SessionKey KEY = new SessionKey(7, 1);
    private static final long NOW = 5;

    private final Set<SessionKey> missing = new HashSet<>();

    @Test
    void shouldForgetWhoEndedBeforeComingBack() {
        ReturnGrace grace = graceFor(ended(true));
        assertFalse(grace.isOver());
        grace.look(NOW);
        assertEquals(Set.of(KEY), missing);
        assertTrue(grace.isOver());
    }

    @Test
    void shouldForgetWhoHadNoRequestsAndEnds() {
        ReturnGrace grace = graceFor(ended(false));
        assertTrue(grace.isOver());
        grace.look(NOW);
        assertEquals(Set.of(KEY), missing);
    }

    @Test
    void shouldGoOnExpectingWhoHadNoRequestsAndIsThere() {
        ReturnGrace grace = graceFor(alive(false));
        grace.look(NOW);
        grace.look(NOW + ReturnGrace.LIMIT_NANOS);
        assertEquals(Set.of(), missing);
    }

    @Test
    void shouldGiveUpWhoIsThereButLate() {
        ReturnGrace grace = graceFor(alive(true));
        grace.look(NOW + ReturnGrace.LIMIT_NANOS - 1);
        assertEquals(Set.of(), missing);
        assertFalse(grace.isOver());
        grace.look(NOW + ReturnGrace.LIMIT_NANOS);
        assertEquals(Set.of(KEY), missing);
        assertTrue(grace.isOver());
    }

    private ReturnGrace graceFor(SessionRoster.Entry entry) {
        return new ReturnGrace(Map.of(KEY, entry), NOW, missing::add);
    }

    private static SessionRoster.Entry alive(boolean hadRequests) {
        int pid = (int) ProcessHandle.current().pid();
        return new SessionRoster.Entry(pid, ProcessStart.timeOf(pid), null, hadRequests);
    }

    /** Its number is another process's by now. */
    private static SessionRoster.Entry ended(boolean hadRequests) {
        int pid = (int) ProcessHandle.current().pid();
        return new SessionRoster.Entry(pid, "before", null, hadRequests);
    }
}
