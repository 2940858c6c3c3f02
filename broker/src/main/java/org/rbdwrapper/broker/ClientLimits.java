package org.rbdwrapper.broker;

import org.rbdwrapper.ipc.segment.SegmentDescriptor;

/**
 * What clients may take of the broker and of the host; how it is shared among users, {@code
 * SessionLimits} says.
 *
 * @param maxSessions at a time, of all users; 1 to {@link #MOST_SESSIONS}.
 * @param maxMemory bytes that all clients share with the broker; at least 1 MiB.
 * @param maxOpens images that are open at a time, each counted as often as it is opened.
 * @param userShare of each of these, the most for one user other than root and the broker's own; 1
 *     to 100 percent.
 * @param maxInFlight bytes of large transfers that are under way at the store at a time; at least 1
 *     MiB. Of it, too, a user has the share.
 */
public record ClientLimits(
        int maxSessions, long maxMemory, int maxOpens, int userShare, long maxInFlight) {
    /** A list of them all is one message, whose group counts to 65,534. */
    public static final int MOST_SESSIONS = 65_000;

    /** A session takes two of the broker's descriptors. */
    public static final int DEFAULT_MAX_SESSIONS = 4096;

    /** Some 500 bytes of the broker's heap each. */
    public static final int DEFAULT_MAX_OPENS = 65_536;

    /** It takes the clients of four users to fill the broker. */
    public static final int DEFAULT_USER_SHARE = 25;

    public static ClientLimits defaults() {
        return new ClientLimits(
                DEFAULT_MAX_SESSIONS,
                defaultMaxMemory(),
                DEFAULT_MAX_OPENS,
                DEFAULT_USER_SHARE,
                defaultMaxInFlight(defaultMaxMemory()));
    }

    /**
     * A quarter of what clients share with the broker, of which a store's client may copy all; but
     * some of the largest transfers that there are.
     */
    public static long defaultMaxInFlight(long maxMemory) {
        return Math.max(maxMemory / 4, 4L * SegmentDescriptor.MAX_ARENA_LENGTH);
    }

    /** Of a limit for all: what one user may have, at least 1. */
    public long userShareOf(long limit) {
        return Math.max(1, limit / 100 * userShare + limit % 100 * userShare / 100);
    }

    /** A quarter of what this host has, in bytes, so that clients cannot take the rest from it. */
    public static long defaultMaxMemory() {
        return java.lang.management.ManagementFactory.getOperatingSystemMXBean()
                        instanceof com.sun.management.OperatingSystemMXBean system
                ? system.getTotalMemorySize() / 4
                : 1L << 30;
    }
}
