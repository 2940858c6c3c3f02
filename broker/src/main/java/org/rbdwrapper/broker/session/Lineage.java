package org.rbdwrapper.broker.session;

import org.rbdwrapper.broker.messenger.OpenMappings;
import org.rbdwrapper.broker.messenger.UnflushedMappings;

import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * One client over several brokers of which none lived until it had its answers: it may not have
 * heard of the last of these sessions, and comes back by any of their keys.
 *
 * @param entry of its process.
 * @param mappings that it may have open still.
 * @param hadRequests that a broker had taken and may not have answered.
 * @param unflushed where changes may have died with a broker's cache.
 * @param isLate others have gone on without it, or nothing is known of it.
 */
record Lineage(
        Set<SessionKey> keys,
        SessionRoster.Entry entry,
        OpenMappings mappings,
        boolean hadRequests,
        UnflushedMappings unflushed,
        boolean isLate) {
    /** Of whom nothing is known, or nothing any more. */
    static final Lineage LATE =
            new Lineage(Set.of(), null, OpenMappings.NONE, true, UnflushedMappings.UNKNOWN, true);

    Lineage {
        keys = Set.copyOf(keys);
    }

    /** The same client, which may come back by this key, too. */
    Lineage with(SessionKey key) {
        Set<SessionKey> all = new HashSet<>(keys);
        all.add(key);
        return new Lineage(all, entry, mappings, hadRequests, unflushed, isLate);
    }

    /** The same client where others have gone on without it. */
    Lineage asLate() {
        return new Lineage(
                keys, entry, mappings, true, unflushed.and(UnflushedMappings.UNKNOWN), true);
    }

    /** All sessions that this one has gone on from, or that have gone on from it. */
    static Lineage of(SessionKey key, Map<SessionKey, SessionRoster.Entry> roster) {
        Set<SessionKey> keys = new HashSet<>(Set.of(key));
        int known = 0;
        while (known != keys.size()) {
            known = keys.size();
            roster.forEach(
                    (other, entry) -> {
                        if (!hasGoneOn(entry, roster)) {
                            return;
                        }
                        if (keys.contains(other)) {
                            keys.add(entry.before());
                        } else if (keys.contains(entry.before())) {
                            keys.add(other);
                        }
                    });
        }
        List<SessionRoster.Entry> sessions = keys.stream().map(roster::get).toList();
        Lineage lineage =
                new Lineage(
                        keys,
                        roster.get(key),
                        sessions.stream()
                                .map(SessionRoster.Entry::mappings)
                                .reduce(OpenMappings.NONE, OpenMappings::and),
                        sessions.stream().anyMatch(SessionRoster.Entry::hadRequests),
                        sessions.stream()
                                .map(SessionRoster.Entry::unflushed)
                                .reduce(UnflushedMappings.NONE, UnflushedMappings::and),
                        false);
        return sessions.stream().anyMatch(SessionRoster.Entry::isLate) ? lineage.asLate() : lineage;
    }

    /** Whether a session is the next one of a client that is known; its client may only say so. */
    private static boolean hasGoneOn(
            SessionRoster.Entry entry, Map<SessionKey, SessionRoster.Entry> roster) {
        SessionRoster.Entry before = roster.get(entry.before());
        return before != null && before.isOf(entry);
    }
}
