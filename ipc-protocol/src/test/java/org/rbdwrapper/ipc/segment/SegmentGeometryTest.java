package org.rbdwrapper.ipc.segment;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.agrona.concurrent.UnsafeBuffer;
import org.junit.jupiter.api.Test;
import org.rbdwrapper.ipc.Errno;
import org.rbdwrapper.ipc.ErrnoException;

final class SegmentGeometryTest {
    private final UnsafeBuffer header = new UnsafeBuffer(new byte[SegmentDescriptor.HEADER_LENGTH]);

    @Test
    void shouldBeReadAsItWasWritten() throws Exception {
        for (int channels : new int[] {1, 5, 64}) {
            for (int depth : new int[] {4, 64, 1024}) {
                SegmentGeometry geometry = new SegmentGeometry(channels, depth, 128 * 1024);
                geometry.writeTo(header, 77);
                assertEquals(geometry, SegmentGeometry.readFrom(header, geometry.segmentLength()));
            }
        }
    }

    @Test
    void shouldKeepPartsApart() {
        SegmentGeometry geometry = new SegmentGeometry(3, 64, 64 * 1024);
        int requestEnd =
                SegmentDescriptor.REQUEST_RING_OFFSET
                        + 128 * SegmentDescriptor.REQUEST_LENGTH
                        + SegmentDescriptor.TRAILER_LENGTH;
        assertEquals(requestEnd, geometry.responseRingOffset());
        assertTrue(
                geometry.arenaOffset()
                        >= requestEnd
                                + 128 * SegmentDescriptor.RESPONSE_LENGTH
                                + SegmentDescriptor.TRAILER_LENGTH);
        assertEquals(0, geometry.arenaOffset() % SegmentDescriptor.PAGE);
        assertEquals(
                geometry.channelOffset(1) + geometry.channelStride(), geometry.channelOffset(2));
        assertEquals(geometry.channelOffset(3), geometry.segmentLength());
    }

    @Test
    void shouldRefuseImpossibleNumbers() {
        int[][] impossible = {
            {0, 64, 65_536},
            {65, 64, 65_536},
            {1, 63, 65_536},
            {1, 0, 65_536},
            {1, 2, 65_536},
            {1, 2048, 65_536},
            {1, 64, 65_535},
            {1, 64, 0},
            {1, 64, 1 << 30},
            {-1, 64, 65_536}
        };
        for (int[] numbers : impossible) {
            assertThrows(
                    IllegalArgumentException.class,
                    () -> new SegmentGeometry(numbers[0], numbers[1], numbers[2]));
        }
    }

    @Test
    void shouldRefuseHeaderThatDoesNotFitTogether() {
        SegmentGeometry geometry = new SegmentGeometry(2, 64, 64 * 1024);
        int[] offsets = {
            SegmentDescriptor.MAGIC_OFFSET,
            SegmentDescriptor.LAYOUT_OFFSET,
            SegmentDescriptor.CHANNELS_OFFSET,
            SegmentDescriptor.SEGMENT_LENGTH_OFFSET,
            SegmentDescriptor.DEPTH_OFFSET,
            SegmentDescriptor.ARENA_LENGTH_OFFSET,
            SegmentDescriptor.CHANNEL_STRIDE_OFFSET
        };
        for (int offset : offsets) {
            geometry.writeTo(header, 1);
            header.putInt(offset, header.getInt(offset) + 1);
            ErrnoException refused =
                    assertThrows(
                            ErrnoException.class,
                            () -> SegmentGeometry.readFrom(header, geometry.segmentLength()),
                            "offset " + offset);
            assertEquals(Errno.EPROTO, refused.errno());
        }
        geometry.writeTo(header, 1);
        assertThrows(
                ErrnoException.class,
                () -> SegmentGeometry.readFrom(header, geometry.segmentLength() + 1));
    }
}
