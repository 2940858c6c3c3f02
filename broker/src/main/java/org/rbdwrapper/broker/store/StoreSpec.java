package org.rbdwrapper.broker.store;

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
        int colon = text.indexOf(':');
        String kind = colon < 0 ? text : text.substring(0, colon);
        String location = colon < 0 ? "" : text.substring(colon + 1);
        boolean emptyLocation = colon >= 0 && location.isEmpty();
        switch (kind) {
            case "file":
                if (!emptyLocation) {
                    return new StoreSpec(Kind.FILE, location);
                }
                break;
            case "ceph":
                if (!emptyLocation) {
                    return new StoreSpec(Kind.CEPH, location);
                }
                break;
            case "memory":
                if (colon < 0) {
                    return new StoreSpec(Kind.MEMORY, "");
                }
                break;
            default:
        }
        throw new IllegalArgumentException(
                "store '" + text + "' is not known: give file[:DIR], ceph[:CONF] or memory");
    }
}
