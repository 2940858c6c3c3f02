package org.rbdwrapper.broker.store;

/**
 * How an image is opened, beyond what every store does. All who have it open on this host share its
 * instances, and so have the same.
 *
 * @param cached with a cache of the store's client, which answers writes before they are done and
 *     does them by a flush at the latest.
 * @param ioTimeoutSeconds a request that the store has not answered for so long ends with
 *     ETIMEDOUT; 0: it waits, as on a disk. Not together with the cache, which would give up writes
 *     that it has answered.
 */
public record ImageTuning(boolean cached, int ioTimeoutSeconds) {
    /** What every store does. */
    public static final ImageTuning NONE = new ImageTuning(false, 0);

    /** As {@code map -o} has it. */
    @Override
    public String toString() {
        if (ioTimeoutSeconds > 0) {
            return "io-timeout=" + ioTimeoutSeconds;
        }
        return cached ? "cache=writeback" : "cache=off,io-timeout=0";
    }
}
