package org.rbdwrapper.client.session;

import org.rbdwrapper.ipc.ErrnoException;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * The sessions of one kind, at most one for each list of run directories.
 *
 * <p>Any thread. One at a time connects to the brokers of a list, so that two do not make a session
 * each; who comes to another list does not wait for them.
 */
final class SessionTable {
    private final Map<List<Path>, Entry> entries = new ConcurrentHashMap<>();

    private static final class Entry {
        private BrokerSession session; // guarded by this
    }

    /**
     * The session that there is, or a new one, for which one attempt is made. Opening something
     * there has begun: see {@link BrokerSession#beginOpening}.
     *
     * @throws ErrnoException where there is no broker, or as it refused.
     */
    BrokerSession session(Wish wish) throws ErrnoException {
        Entry entry = entries.computeIfAbsent(wish.runDirs(), runDirs -> new Entry());
        synchronized (entry) {
            if (entry.session == null || !entry.session.beginOpening()) {
                entry.session = null; // one that is over is of no more use, whatever follows
                BrokerConnection broker = BrokerConnection.make(wish, null, false);
                try {
                    BrokerSession session = new BrokerSession(wish, broker);
                    session.beginOpening();
                    entry.session = session;
                } finally {
                    if (entry.session == null) { // there is no memory for it
                        broker.discard();
                    }
                }
            }
            return entry.session;
        }
    }
}
