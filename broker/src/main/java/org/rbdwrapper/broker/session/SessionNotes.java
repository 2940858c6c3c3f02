package org.rbdwrapper.broker.session;

import org.rbdwrapper.broker.CallOrigin;
import org.rbdwrapper.broker.Lane;
import org.rbdwrapper.broker.Workers;
import org.rbdwrapper.broker.messenger.RequestLedger;
import org.rbdwrapper.ipc.ErrnoException;
import org.rbdwrapper.ipc.posix.UnixSocket;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.util.Set;
import java.util.function.Consumer;

/**
 * Has the {@link SessionRoster} written by workers, of each user's sessions in the order of the
 * calls.
 *
 * <p>Conductor's thread.
 */
final class SessionNotes implements ReturnGrace.Notes {
    private static final Logger LOG = LoggerFactory.getLogger(SessionNotes.class);

    /** For whom that is done which is of many users. */
    private static final int BROKER = 0;

    private final SessionRoster roster;
    private final Workers workers;

    SessionNotes(SessionRoster roster, Workers workers) {
        this.roster = roster;
        this.workers = workers;
    }

    /** See {@link SessionRoster#add}. */
    void add(
            SessionKey key,
            SessionKey before,
            UnixSocket.Peer peer,
            Consumer<RequestLedger> added,
            Consumer<ErrnoException> failed) {
        workers.call(
                new CallOrigin(Lane.NOTES, peer.uid(), "noting session " + key),
                () -> roster.add(key, before, peer.pid(), peer.uid()),
                added::accept,
                failed);
    }

    @Override
    public void forget(Set<SessionKey> keys, Runnable then) {
        forEach(keys, roster::remove, then);
    }

    @Override
    public void markLate(Set<SessionKey> keys, Runnable then) {
        forEach(keys, roster::markLate, then);
    }

    private void forEach(Set<SessionKey> keys, Consumer<SessionKey> action, Runnable then) {
        if (keys.isEmpty()) {
            then.run();
            return;
        }
        workers.call(
                new CallOrigin(Lane.NOTES, BROKER, "noting sessions that have ended"),
                () -> {
                    keys.forEach(action);
                    return keys;
                },
                done -> then.run(),
                failure -> {
                    LOG.warn("{}", failure.describe());
                    then.run();
                });
    }
}
