package org.rbdwrapper.broker.messenger;

import java.util.HashSet;
import java.util.Set;

/**
 * Through which mappings a client changed what was in a broker's cache alone when that broker died;
 * each by when it was made.
 *
 * @param known of the handles that have a place in the {@link RequestLedger}'s page.
 * @param others of the other handles there is a bit for each mapping, which it may share: {@link
 *     #bitOf}.
 * @param isUnknown any mapping may be one of them, of which nothing else is known.
 */
public record UnflushedMappings(Set<Long> known, int others, boolean isUnknown) {
    public static final UnflushedMappings NONE = new UnflushedMappings(Set.of(), 0, false);
    public static final UnflushedMappings UNKNOWN = new UnflushedMappings(Set.of(), 0, true);

    public UnflushedMappings {
        known = Set.copyOf(known);
    }

    static int bitOf(long mapping) {
        return 1 << (Long.hashCode(mapping * 0x9E3779B97F4A7C15L) >>> 27);
    }

    /** Whether this is one of them, as far as that is known. */
    public boolean mayContain(long mapping) {
        return known.contains(mapping) || (others & bitOf(mapping)) != 0;
    }

    /** These and others. */
    public UnflushedMappings and(UnflushedMappings more) {
        Set<Long> all = new HashSet<>(known);
        all.addAll(more.known);
        return new UnflushedMappings(all, others | more.others, isUnknown || more.isUnknown);
    }
}
