package org.rbdwrapper.broker.session;

import org.rbdwrapper.ipc.segment.SegmentDescriptor;
import org.rbdwrapper.ipc.segment.SegmentGeometry;

/** What a client gets of the segment that it wants: within the layout's limits. */
final class SegmentGrant {
    /** Where a Hello leaves it to the broker (0). */
    private static final int DEFAULT_DEPTH = 64;

    private static final int DEFAULT_ARENA_LENGTH = 1024 * 1024;

    private SegmentGrant() {}

    static SegmentGeometry of(int channels, int depth, long arenaLength) {
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
