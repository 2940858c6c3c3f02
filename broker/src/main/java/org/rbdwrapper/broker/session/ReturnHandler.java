package org.rbdwrapper.broker.session;

import org.rbdwrapper.broker.LogLimiter;
import org.rbdwrapper.broker.messenger.OpenMappings;
import org.rbdwrapper.broker.messenger.RequestLedger;
import org.rbdwrapper.broker.messenger.UnflushedMappings;
import org.rbdwrapper.ipc.Errno;
import org.rbdwrapper.ipc.ErrnoException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.util.HashSet;
import java.util.Set;

/** Clients that go on when their broker is replaced. Conductor's thread. */
final class ReturnHandler {
    private static final Logger LOG = LoggerFactory.getLogger(ReturnHandler.class);

    private final SessionNotes notes;
    private final ReturnGrace grace;
    private final long generation;
    private final LogLimiter lateLog = new LogLimiter(10, 60_000_000_000L); // any client may say so

    ReturnHandler(SessionNotes notes, ReturnGrace grace, long generation) {
        this.notes = notes;
        this.grace = grace;
        this.generation = generation;
    }

    /**
     * It is noted before it is taken for who it says: where that fails, as on a full disk, it can
     * come again.
     */
    void onResume(Reply reply, long beforeGeneration, long beforeId) {
        Session session = reply.session();
        if (session.channels == null || session.resumable || !session.opens.isEmpty()) {
            reply.fail(
                    new ErrnoException(
                            Errno.EINVAL,
                            session.channels == null
                                    ? "a session without channels has nothing to resume"
                                    : "the session was resumed or has opened images already"));
            return;
        }
        session.resumable = true;
        SessionKey before =
                beforeGeneration == 0 ? null : new SessionKey(beforeGeneration, beforeId);
        notes.add(
                key(session),
                before,
                session.peer,
                ledger -> onAdded(reply, before, ledger),
                reply::fail);
    }

    private void onAdded(Reply reply, SessionKey before, RequestLedger ledger) {
        Session session = reply.session();
        if (session.isEnded()) {
            reply.drop(); // it has not heard that it is back, and may come again
            return;
        }
        session.ledger = ledger;
        if (before != null) {
            takeBack(session, grace.admit(session, key(session), before, System.nanoTime()));
        }
        reply.send(ControlProxy.resumed(reply.correlationId(), session.late));
    }

    private void takeBack(Session session, Lineage lineage) {
        session.returning = true;
        session.before = lineage.keys();
        session.unflushed = lineage.unflushed();
        session.comesBackTo = lineage.mappings();
        session.late = lineage.isLate();
        if (session.late) {
            lateLog.run(
                    () ->
                            LOG.warn(
                                    "{} is back too late: its changes without an answer fail with"
                                            + " EIO",
                                    session.describe()));
        }
    }

    void onReplayDone(Reply reply) {
        Session session = reply.session();
        Set<SessionKey> before = session.before;
        session.before = Set.of();
        session.returning = false;
        session.comesBackTo = OpenMappings.NONE; // what it wanted of these it has open
        session.unflushed =
                UnflushedMappings.NONE; // what it opens from now on it has not written before
        grace.onReturned(session);
        if (session.late) {
            // the next broker would take it for late with what it makes from now on
            notes.forget(before, () -> grace.whenOver(reply::done));
        } else {
            forget(before);
            grace.whenOver(reply::done);
        }
    }

    /**
     * A session is freed.
     *
     * @param comesBack where the broker ended it, to be replaced.
     */
    void onEnd(Session session, boolean comesBack) {
        boolean isCutOff = grace.isCutOff(session);
        grace.onReturned(session);
        if (session.resumable && !comesBack && !isCutOff) {
            Set<SessionKey> all = new HashSet<>(session.before);
            all.add(key(session)); // also where that is just being noted
            forget(all);
        }
    }

    private void forget(Set<SessionKey> keys) {
        notes.forget(keys, () -> {});
    }

    private SessionKey key(Session session) {
        return new SessionKey(generation, session.id);
    }
}
