package org.rbdwrapper.broker.session;

import org.rbdwrapper.ipc.Errno;
import org.rbdwrapper.ipc.ErrnoException;
import org.rbdwrapper.ipc.segment.SegmentDescriptor;
import org.rbdwrapper.ipc.segment.SegmentGeometry;

import java.util.Collection;

/**
 * What clients may take of the host, so that none of them can take it all.
 *
 * @param maxSessions at a time, of all users.
 * @param maxSessionsPerUid at a time, of one user other than root and the broker's own.
 * @param maxSegmentBytes shared memory of all sessions together.
 */
record SessionLimits(int maxSessions, int maxSessionsPerUid, long maxSegmentBytes, int brokerUid) {
    /** Where a Hello leaves it to the broker (0). */
    private static final int DEFAULT_DEPTH = 64;

    private static final int DEFAULT_ARENA_LENGTH = 1024 * 1024;

    /**
     * @throws ErrnoException EUSERS where there are too many.
     */
    void checkNewSession(Session session, Collection<Session> all) throws ErrnoException {
        int total = 0;
        int ofUid = 0;
        for (Session other : all) {
            total++;
            if (other.peer.uid() == session.peer.uid()) {
                ofUid++;
            }
        }
        int uid = session.peer.uid();
        boolean privileged = uid == 0 || uid == brokerUid;
        if (total > maxSessions || (!privileged && ofUid > maxSessionsPerUid)) {
            throw new ErrnoException(
                    Errno.EUSERS,
                    "the broker has "
                            + total
                            + " clients, "
                            + ofUid
                            + " of uid "
                            + uid
                            + " (at most "
                            + maxSessions
                            + " and "
                            + maxSessionsPerUid
                            + "): close some of them");
        }
        long bytes = 0;
        for (Session other : all) {
            bytes += other.channels == null ? 0 : other.channels.geometry().segmentLength();
        }
        if (bytes > maxSegmentBytes) {
            throw new ErrnoException(
                    Errno.ENOMEM,
                    "the clients of the broker share "
                            + bytes
                            + " bytes already (at most "
                            + maxSegmentBytes
                            + ")");
        }
    }

    /** What a client gets of what it wants: within the layout's limits. */
    SegmentGeometry grant(int channels, int depth, long arenaLength) {
        int grantedChannels = Math.clamp(channels, 1, SegmentDescriptor.MAX_CHANNELS);
        int wantedDepth = depth == 0 ? DEFAULT_DEPTH : depth;
        int grantedDepth =
                Math.clamp(
                        Integer.highestOneBit(wantedDepth),
                        SegmentDescriptor.MIN_DEPTH,
                        SegmentDescriptor.MAX_DEPTH);
        long wantedArena = arenaLength == 0 ? DEFAULT_ARENA_LENGTH : arenaLength;
        int grantedArena =
                roundToPage(
                        Math.clamp(
                                wantedArena,
                                SegmentDescriptor.MIN_ARENA_LENGTH,
                                SegmentDescriptor.MAX_ARENA_LENGTH));
        return new SegmentGeometry(grantedChannels, grantedDepth, grantedArena);
    }

    private static int roundToPage(long length) {
        return (int) ((length + SegmentDescriptor.PAGE - 1) & -SegmentDescriptor.PAGE);
    }
}
