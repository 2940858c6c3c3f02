package org.rbdwrapper.broker.messenger;

import java.util.HashSet;
import java.util.Set;

/**
 * Through which mappings a client may have something open that came from a broker before; each by
 * when it was made.
 *
 * @param known of the handles that have a place in the {@link RequestLedger}'s page.
 * @param newestOfOthers of the other handles only the one that was made last is known: they may be
 *     of any that is not newer. 0 where there are none.
 */
public record OpenMappings(Set<Long> known, long newestOfOthers) {
    public static final OpenMappings NONE = new OpenMappings(Set.of(), 0);

    public OpenMappings {
        known = Set.copyOf(known);
    }

    /** Whether this may be one of them. */
    public boolean mayContain(long mapping) {
        return mapping <= newestOfOthers || known.contains(mapping);
    }

    /** These and others. */
    public OpenMappings and(OpenMappings others) {
        Set<Long> all = new HashSet<>(known);
        all.addAll(others.known);
        return new OpenMappings(all, Math.max(newestOfOthers, others.newestOfOthers));
    }
}
