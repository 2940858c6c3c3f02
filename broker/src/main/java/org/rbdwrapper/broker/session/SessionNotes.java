package org.rbdwrapper.broker.session;

import org.rbdwrapper.broker.Workers;
import org.rbdwrapper.broker.messenger.RequestLedger;
import org.rbdwrapper.ipc.ErrnoException;
import org.rbdwrapper.ipc.posix.UnixSocket;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.util.Set;
import java.util.function.Consumer;

/**
 * Has the {@link SessionRoster} written, in the order of the calls. By a thread of its own: who
 * comes back in time is not to be late for a store that has all workers wait.
 *
 * <p>Conductor's thread.
 */
final class SessionNotes implements ReturnGrace.Notes {
    private static final Logger LOG = LoggerFactory.getLogger(SessionNotes.class);

    private final SessionRoster roster;
    private final Workers noting;

    /**
     * @param noting which make one call after the other.
     */
    SessionNotes(SessionRoster roster, Workers noting) {
        this.roster = roster;
        this.noting = noting;
    }

    /** See {@link SessionRoster#add}. */
    void add(
            SessionKey key,
            SessionKey before,
            UnixSocket.Peer peer,
            Consumer<RequestLedger> added,
            Consumer<ErrnoException> failed) {
        noting.call(() -> roster.add(key, before, peer.pid(), peer.uid()), added, failed);
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
        noting.call(
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
