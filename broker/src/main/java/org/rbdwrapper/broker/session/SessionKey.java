package org.rbdwrapper.broker.session;

/**
 * A session, over all brokers of a run directory.
 *
 * @param generation of the broker that it was with, as its segment's header has it.
 * @param id that it had there.
 */
record SessionKey(long generation, long id) {
    @Override
    public String toString() {
        return Long.toHexString(generation) + "-" + Long.toHexString(id);
    }
}
