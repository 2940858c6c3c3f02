package org.rbdwrapper.broker.session;

import org.rbdwrapper.broker.LogLimiter;
import org.rbdwrapper.broker.Workers;
import org.rbdwrapper.ipc.Errno;
import org.rbdwrapper.ipc.ErrnoException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.util.HashSet;
import java.util.Set;

/** Clients that go on when their broker is replaced. Conductor's thread. */
final class ReturnHandler {
    private static final Logger LOG = LoggerFactory.getLogger(ReturnHandler.class);

    private final SessionRoster roster;
    private final ReturnGrace grace;
    private final Workers workers;
    private final long generation;
    private final LogLimiter lateLog = new LogLimiter(10, 60_000_000_000L); // any client may say so

    ReturnHandler(SessionRoster roster, ReturnGrace grace, Workers workers, long generation) {
        this.roster = roster;
        this.grace = grace;
        this.workers = workers;
        this.generation = generation;
    }

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
        boolean first = beforeGeneration == 0;
        session.returning = !first;
        SessionKey before = new SessionKey(beforeGeneration, beforeId);
        if (!first) {
            Lineage lineage = grace.admit(session, key(session), before, System.nanoTime());
            session.before = lineage.keys();
            session.lostUnflushed = lineage.hadUnflushed();
            session.comesBackTo = lineage.mappings();
        }
        boolean late = !first && session.before.isEmpty();
        if (late) {
            lateLog.run(
                    () ->
                            LOG.warn(
                                    "{} is back too late: its changes without an answer fail with"
                                            + " EIO",
                                    session.describe()));
        }
        SessionKey key = key(session);
        int pid = session.peer.pid();
        int uid = session.peer.uid();
        session.beingNoted = true;
        workers.call(
                () -> roster.add(key, first ? null : before, pid, uid),
                ledger -> {
                    onNoted(session);
                    session.ledger = ledger;
                    reply.send(ControlProxy.resumed(reply.correlationId(), late));
                },
                failure -> {
                    onNoted(session);
                    reply.fail(failure);
                });
    }

    private void onNoted(Session session) {
        session.beingNoted = false;
        if (session.forgottenWhenNoted) {
            forget(Set.of(key(session)));
        }
    }

    void onReplayDone(Reply reply) {
        Session session = reply.session();
        Set<SessionKey> before = session.before;
        session.before = Set.of();
        session.returning = false;
        session.comesBackTo = Set.of(); // what it wanted of these it has open
        session.lostUnflushed = false; // what it opens from now on it has not written before
        forget(before);
        grace.onReturned(session);
        grace.whenOver(reply::done);
    }

    /**
     * A session is freed.
     *
     * @param comesBack where the broker ended it, to be replaced.
     */
    void onEnd(Session session, boolean comesBack) {
        grace.onReturned(session);
        if (session.resumable && !comesBack) {
            Set<SessionKey> all = new HashSet<>(session.before);
            // two workers have no order: the note could be written behind its removal
            if (session.beingNoted) {
                session.forgottenWhenNoted = true;
            } else {
                all.add(key(session));
            }
            forget(all);
        }
    }

    private void forget(Set<SessionKey> keys) {
        if (!keys.isEmpty()) {
            workers.call(
                    () -> {
                        keys.forEach(roster::remove);
                        return keys;
                    },
                    removed -> {},
                    failure -> LOG.warn("{}", failure.describe()));
        }
    }

    private SessionKey key(Session session) {
        return new SessionKey(generation, session.id);
    }
}
