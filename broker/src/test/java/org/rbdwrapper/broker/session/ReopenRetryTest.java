package org.rbdwrapper.broker.session;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.rbdwrapper.broker.map.MappingOptions;
import org.rbdwrapper.ipc.Errno;
import org.rbdwrapper.ipc.ErrnoException;
import org.rbdwrapper.ipc.posix.UnixSocket;

import java.util.Set;

/** Which opens are made again, and when. */
final class ReopenRetryTest {
    private final Session session =
            new Session(1, -1, new UnixSocket.Peer(1, 1, 1), Set.of(), 0, 0);
    private final DelayedTasks delayed = new DelayedTasks();
    private final ReopenRetry retry = new ReopenRetry(delayed);
    private int made;

    @BeforeEach
    void comeFromABrokerBefore() {
        session.returning = true;
    }

    @Test
    void shouldBeForWhatPasses() throws Exception {
        assertTrue(isFor("", Errno.ETIMEDOUT));
        assertTrue(isFor("", Errno.EMFILE));
        assertFalse(isFor("", Errno.ENOENT));
        assertFalse(isFor("", Errno.EACCES));
    }

    @Test
    void shouldNotBeForWhoHadNothingOpen() throws Exception {
        session.returning = false;
        assertFalse(isFor("", Errno.ETIMEDOUT));
    }

    @Test
    void shouldNotBeForWhoAskedForErrorsInsteadOfWaiting() throws Exception {
        assertFalse(isFor("io-timeout=5", Errno.ETIMEDOUT));
    }

    @Test
    void shouldBeMadeAgainAfterAPauseAndBeWorkMeanwhile() {
        long before = System.nanoTime();
        refuse();
        assertFalse(delayed.isEmpty());
        assertTrue(session.isWorkedFor());
        delayed.look(before + ReopenRetry.PAUSE_NANOS - 1);
        assertEquals(0, made);
        delayed.look(System.nanoTime() + ReopenRetry.PAUSE_NANOS);
        assertEquals(1, made);
        assertTrue(delayed.isEmpty());
        assertFalse(session.isWorkedFor());
    }

    @Test
    void shouldBeOverdueAfterAWhileUntilItIsRefusedNoMore() {
        refuse();
        long since = session.refusedSinceNanos;
        refuse();
        assertFalse(ReopenRetry.isOverdue(session, since + ReopenRetry.PATIENCE_NANOS - 1));
        assertTrue(ReopenRetry.isOverdue(session, since + ReopenRetry.PATIENCE_NANOS));
        ReopenRetry.onAnswer(session);
        assertFalse(ReopenRetry.isOverdue(session, since + ReopenRetry.PATIENCE_NANOS));
    }

    private void refuse() {
        retry.later(session, failure(Errno.ETIMEDOUT), () -> made++);
    }

    private boolean isFor(String options, Errno errno) throws Exception {
        return ReopenRetry.isFor(session, MappingOptions.parse(options), failure(errno));
    }

    private static ErrnoException failure(Errno errno) {
        return new ErrnoException(errno, "image rbd/img cannot be opened");
    }
}
