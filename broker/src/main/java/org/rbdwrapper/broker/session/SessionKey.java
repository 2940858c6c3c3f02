package org.rbdwrapper.broker.session;

/**
 * A session, over all brokers of a run directory.
 *
 * @param generation of the broker that it was with, as its segment's header has it.
 * @param id that it had there.
 */
record SessionKey(long generation, long id) {
    /** Of {@link #toString}; null for anything else. */
    static SessionKey parse(String text) {
        String[] parts = text.split("-", -1);
        try {
            return parts.length == 2
                    ? new SessionKey(
                            Long.parseUnsignedLong(parts[0], 16),
                            Long.parseUnsignedLong(parts[1], 16))
                    : null;
        } catch (NumberFormatException e) {
            return null;
        }
    }

    @Override
    public String toString() {
        return Long.toHexString(generation) + "-" + Long.toHexString(id);
    }
}
