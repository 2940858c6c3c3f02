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
     * The session that there is, or a new one, for which one attempt is made.
     *
     * @throws ErrnoException where there is no broker, or as it refused.
     */
    BrokerSession session(Wish wish) throws ErrnoException {
        Entry entry = entries.computeIfAbsent(wish.runDirs(), runDirs -> new Entry());
        synchronized (entry) {
            // one that has given its broker up does not look for the next one any more
            if (entry.session == null || entry.session.isLost()) {
                entry.session = new BrokerSession(wish, BrokerConnection.make(wish, null, false));
            }
            return entry.session;
        }
    }
}
