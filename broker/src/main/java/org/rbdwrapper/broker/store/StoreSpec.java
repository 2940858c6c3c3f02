package org.rbdwrapper.broker.store;

import java.util.Locale;

/**
 * Which store: {@code file[:DIR]}, {@code ceph[:CONF]} or {@code memory}.
 *
 * @param location the part after the colon; empty for the default.
 */
public record StoreSpec(Kind kind, String location) {
    /** What {@link StoreSpec} names. */
    public enum Kind {
        FILE,
        CEPH,
        MEMORY
    }

    /**
     * @throws IllegalArgumentException with one line that says what is allowed.
     */
    public static StoreSpec parse(String text) {
        if (text.matches("memory|(file|ceph)(:.+)?")) {
            String[] parts = text.split(":", 2);
            Kind kind = Kind.valueOf(parts[0].toUpperCase(Locale.ROOT));
            return new StoreSpec(kind, parts.length > 1 ? parts[1] : "");
        }
        throw new IllegalArgumentException(
                "store '" + text + "' is not known: give file[:DIR], ceph[:CONF] or memory");
    }
}
