package org.rbdwrapper.broker.messenger;

import java.util.ArrayList;
import java.util.List;

/**
 * The sessions that may have requests under way, active or at rest: each that had one, until it is
 * found to have none. So whether there is more than one costs by the requests that there were, not
 * by the sessions.
 *
 * <p>Owned by the messenger's thread.
 */
final class SessionsUnderWay {
    private final List<SessionChannels> sessions = new ArrayList<>();

    /** A request of it is going to be submitted, or was. */
    void add(SessionChannels session) {
        if (!session.attachment().underWay) {
            session.attachment().underWay = true;
            sessions.add(session);
        }
    }

    /** It is going to be gone. */
    void remove(SessionChannels session) {
        if (session.attachment().underWay) {
            session.attachment().underWay = false;
            sessions.remove(session);
        }
    }

    /** Whether no more than one request is under way. */
    boolean atMostOne() {
        long inFlight = 0;
        for (int i = sessions.size() - 1; i >= 0; i--) {
            SessionChannels session = sessions.get(i);
            long more = session.inFlight();
            if (more == 0) {
                session.attachment().underWay = false;
                SessionChannels last = sessions.removeLast();
                if (last != session) {
                    sessions.set(i, last); // which was looked at
                }
            } else if ((inFlight += more) > 1) {
                return false;
            }
        }
        return true;
    }
}
