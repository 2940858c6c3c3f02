package org.rbdwrapper.broker.session;

import java.util.HashSet;
import java.util.Map;
import java.util.Set;

/**
 * One client over several brokers of which none lived until it had its answers: it may not have
 * heard of the last of these sessions, and comes back by any of their keys.
 *
 * @param entry of its process.
 * @param mappings that it may have open still, each by when it was made.
 * @param hadRequests that a broker had taken and may not have answered.
 * @param hadUnflushed changes that may have died with a broker's cache.
 */
record Lineage(
        Set<SessionKey> keys,
        SessionRoster.Entry entry,
        Set<Long> mappings,
        boolean hadRequests,
        boolean hadUnflushed) {
    /** Of whom nothing is known, or nothing any more. */
    static final Lineage LATE = new Lineage(Set.of(), null, Set.of(), true, true);

    /** The same client, which may come back by this key, too. */
    Lineage with(SessionKey key) {
        Set<SessionKey> all = new HashSet<>(keys);
        all.add(key);
        return new Lineage(Set.copyOf(all), entry, mappings, hadRequests, hadUnflushed);
    }

    /** The same client where others have gone on without it. */
    Lineage asLate() {
        return new Lineage(Set.of(), entry, mappings, true, true);
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
        boolean hadRequests = keys.stream().anyMatch(k -> roster.get(k).hadRequests());
        boolean hadUnflushed = keys.stream().anyMatch(k -> roster.get(k).hadUnflushed());
        Set<Long> mappings = new HashSet<>();
        keys.forEach(k -> mappings.addAll(roster.get(k).mappings()));
        return new Lineage(
                Set.copyOf(keys), roster.get(key), Set.copyOf(mappings), hadRequests, hadUnflushed);
    }

    /** Whether a session is the next one of a client that is known; its client may only say so. */
    private static boolean hasGoneOn(
            SessionRoster.Entry entry, Map<SessionKey, SessionRoster.Entry> roster) {
        SessionRoster.Entry before = roster.get(entry.before());
        return before != null && before.isOf(entry);
    }
}
