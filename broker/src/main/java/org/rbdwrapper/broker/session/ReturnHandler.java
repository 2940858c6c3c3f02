package org.rbdwrapper.broker.session;

import org.rbdwrapper.broker.Workers;
import org.rbdwrapper.ipc.Errno;
import org.rbdwrapper.ipc.ErrnoException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Clients that go on when their broker is replaced. Conductor's thread. */
final class ReturnHandler {
    private static final Logger LOG = LoggerFactory.getLogger(ReturnHandler.class);

    private final SessionRoster roster;
    private final ReturnGrace grace;
    private final Workers workers;
    private final long generation;

    ReturnHandler(SessionRoster roster, ReturnGrace grace, Workers workers, long generation) {
        this.roster = roster;
        this.grace = grace;
        this.workers = workers;
        this.generation = generation;
    }

    void onResume(Reply reply, long beforeGeneration, long beforeId) {
        Session session = reply.session();
        if (session.channels == null || session.resumable) {
            reply.fail(
                    new ErrnoException(
                            Errno.EINVAL,
                            session.resumable
                                    ? "the session was resumed already"
                                    : "a session without channels has nothing to resume"));
            return;
        }
        session.resumable = true;
        boolean first = beforeGeneration == 0;
        SessionKey before = new SessionKey(beforeGeneration, beforeId);
        boolean late = !first && !grace.admit(session, before);
        if (late) {
            LOG.warn(
                    "{} is back too late: its changes without an answer fail with EIO",
                    session.describe());
        }
        SessionKey key = key(session);
        int pid = session.peer.pid();
        workers.call(
                () -> {
                    roster.add(key, pid);
                    if (!first) {
                        roster.remove(before);
                    }
                    return late;
                },
                isLate -> reply.send(ControlProxy.resumed(reply.correlationId(), isLate)),
                reply::fail);
    }

    void onReplayDone(Reply reply) {
        grace.onReturned(reply.session());
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
            SessionKey key = key(session);
            workers.call(
                    () -> {
                        roster.remove(key);
                        return key;
                    },
                    removed -> {},
                    failure -> LOG.warn("{}", failure.describe()));
        }
    }

    private SessionKey key(Session session) {
        return new SessionKey(generation, session.id);
    }
}
