package org.rbdwrapper.ipc.segment;

import static org.rbdwrapper.ipc.segment.SegmentDescriptor.ARENA_LENGTH_OFFSET;
import static org.rbdwrapper.ipc.segment.SegmentDescriptor.CHANNELS_OFFSET;
import static org.rbdwrapper.ipc.segment.SegmentDescriptor.CHANNEL_STRIDE_OFFSET;
import static org.rbdwrapper.ipc.segment.SegmentDescriptor.DEPTH_OFFSET;
import static org.rbdwrapper.ipc.segment.SegmentDescriptor.GENERATION_OFFSET;
import static org.rbdwrapper.ipc.segment.SegmentDescriptor.HEADER_LENGTH;
import static org.rbdwrapper.ipc.segment.SegmentDescriptor.LAYOUT_OFFSET;
import static org.rbdwrapper.ipc.segment.SegmentDescriptor.LAYOUT_VERSION;
import static org.rbdwrapper.ipc.segment.SegmentDescriptor.MAGIC;
import static org.rbdwrapper.ipc.segment.SegmentDescriptor.MAGIC_OFFSET;
import static org.rbdwrapper.ipc.segment.SegmentDescriptor.MAX_ARENA_LENGTH;
import static org.rbdwrapper.ipc.segment.SegmentDescriptor.MAX_CHANNELS;
import static org.rbdwrapper.ipc.segment.SegmentDescriptor.MAX_DEPTH;
import static org.rbdwrapper.ipc.segment.SegmentDescriptor.MIN_ARENA_LENGTH;
import static org.rbdwrapper.ipc.segment.SegmentDescriptor.MIN_DEPTH;
import static org.rbdwrapper.ipc.segment.SegmentDescriptor.PAGE;
import static org.rbdwrapper.ipc.segment.SegmentDescriptor.REQUEST_LENGTH;
import static org.rbdwrapper.ipc.segment.SegmentDescriptor.REQUEST_RING_OFFSET;
import static org.rbdwrapper.ipc.segment.SegmentDescriptor.RESPONSE_LENGTH;
import static org.rbdwrapper.ipc.segment.SegmentDescriptor.SEGMENT_LENGTH_OFFSET;
import static org.rbdwrapper.ipc.segment.SegmentDescriptor.TRAILER_LENGTH;

import org.agrona.concurrent.AtomicBuffer;
import org.rbdwrapper.ipc.Errno;
import org.rbdwrapper.ipc.ErrnoException;

/**
 * The numbers that say where everything is in one segment; see {@link SegmentDescriptor}.
 *
 * @param channels 1 to {@link SegmentDescriptor#MAX_CHANNELS}.
 * @param depth requests in flight a channel, a power of two.
 * @param arenaLength bytes a channel, a multiple of the page.
 */
public record SegmentGeometry(int channels, int depth, int arenaLength) {
    public SegmentGeometry {
        if (channels < 1
                || channels > MAX_CHANNELS
                || depth < MIN_DEPTH
                || depth > MAX_DEPTH
                || Integer.bitCount(depth) != 1
                || arenaLength < MIN_ARENA_LENGTH
                || arenaLength > MAX_ARENA_LENGTH
                || arenaLength % PAGE != 0) {
            throw new IllegalArgumentException(
                    "no segment has "
                            + channels
                            + " channels of depth "
                            + depth
                            + " and "
                            + arenaLength
                            + " bytes");
        }
    }

    /** Bytes, with the trailer. */
    public int requestRingLength() {
        return 2 * depth * REQUEST_LENGTH + TRAILER_LENGTH;
    }

    public int responseRingOffset() {
        return REQUEST_RING_OFFSET + requestRingLength();
    }

    /** Bytes, with the trailer. */
    public int responseRingLength() {
        return 2 * depth * RESPONSE_LENGTH + TRAILER_LENGTH;
    }

    public int arenaOffset() {
        return alignToPage(responseRingOffset() + responseRingLength());
    }

    /** Bytes from one channel to the next. */
    public int channelStride() {
        return arenaOffset() + arenaLength;
    }

    public long channelOffset(int channel) {
        return HEADER_LENGTH + (long) channel * channelStride();
    }

    public long segmentLength() {
        return channelOffset(channels);
    }

    /** Broker: describes the segment to the client. */
    public void writeTo(AtomicBuffer segment, long generation) {
        segment.putLong(MAGIC_OFFSET, MAGIC);
        segment.putInt(LAYOUT_OFFSET, LAYOUT_VERSION);
        segment.putInt(CHANNELS_OFFSET, channels);
        segment.putLong(SEGMENT_LENGTH_OFFSET, segmentLength());
        segment.putLong(GENERATION_OFFSET, generation);
        segment.putInt(DEPTH_OFFSET, depth);
        segment.putInt(ARENA_LENGTH_OFFSET, arenaLength);
        segment.putLong(CHANNEL_STRIDE_OFFSET, channelStride());
    }

    /**
     * Client: reads what the broker described, and refuses what does not fit together.
     *
     * @param segment at least the header.
     * @param segmentLength what is mapped.
     * @throws ErrnoException EPROTO.
     */
    public static SegmentGeometry readFrom(AtomicBuffer segment, long segmentLength)
            throws ErrnoException {
        if (segment.getLong(MAGIC_OFFSET) != MAGIC
                || segment.getInt(LAYOUT_OFFSET) != LAYOUT_VERSION) {
            throw new ErrnoException(
                    Errno.EPROTO,
                    "the broker's segment has another layout: broker and client differ");
        }
        SegmentGeometry geometry;
        try {
            geometry =
                    new SegmentGeometry(
                            segment.getInt(CHANNELS_OFFSET),
                            segment.getInt(DEPTH_OFFSET),
                            segment.getInt(ARENA_LENGTH_OFFSET));
        } catch (IllegalArgumentException e) {
            throw new ErrnoException(
                    Errno.EPROTO, "the broker's segment is not understood: " + e.getMessage(), e);
        }
        if (geometry.segmentLength() != segment.getLong(SEGMENT_LENGTH_OFFSET)
                || geometry.segmentLength() != segmentLength
                || geometry.channelStride() != segment.getLong(CHANNEL_STRIDE_OFFSET)) {
            throw new ErrnoException(
                    Errno.EPROTO, "the broker's segment has lengths that do not fit together");
        }
        return geometry;
    }

    private static int alignToPage(int offset) {
        return (offset + PAGE - 1) & -PAGE;
    }
}
