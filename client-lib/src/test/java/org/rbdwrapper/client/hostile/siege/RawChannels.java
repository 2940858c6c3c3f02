package org.rbdwrapper.client.hostile.siege;

import static org.rbdwrapper.ipc.segment.SegmentDescriptor.HEADER_LENGTH;
import static org.rbdwrapper.ipc.segment.SegmentDescriptor.REQUEST_RING_OFFSET;

import org.agrona.concurrent.UnsafeBuffer;
import org.rbdwrapper.ipc.ErrnoException;
import org.rbdwrapper.ipc.codec.IoOp;
import org.rbdwrapper.ipc.codec.IoResponseDecoder;
import org.rbdwrapper.ipc.posix.SharedMemory;
import org.rbdwrapper.ipc.segment.Doorbell;
import org.rbdwrapper.ipc.segment.RequestRingWriter;
import org.rbdwrapper.ipc.segment.ResponseRingReader;
import org.rbdwrapper.ipc.segment.SegmentGeometry;

import java.nio.file.Path;

/**
 * A session's channels, whose requests are all made anew as soon as they are answered: each of them
 * always has as many under way as it may. One thread.
 */
final class RawChannels implements AutoCloseable {
    private final RawLine line;
    private final long address;
    private final SegmentGeometry geometry;
    private final Doorbell doorbell;
    private final RequestRingWriter[] requests;
    private final ResponseRingReader[] responses;

    /** Makes the request with a tag. */
    @FunctionalInterface
    interface Maker {
        void make(RequestRingWriter ring, int tag);
    }

    RawChannels(Path runDir, int channels, int depth, int arenaLength) throws ErrnoException {
        line = new RawLine(runDir).hello(channels, depth, arenaLength);
        address = SharedMemory.map(line.memory(), line.segmentLength());
        UnsafeBuffer segment = new UnsafeBuffer(address, HEADER_LENGTH);
        geometry = SegmentGeometry.readFrom(segment, line.segmentLength());
        doorbell = new Doorbell(segment, line.doorbell());
        requests = new RequestRingWriter[geometry.channels()];
        responses = new ResponseRingReader[geometry.channels()];
        for (int i = 0; i < requests.length; i++) {
            long channel = address + geometry.channelOffset(i);
            requests[i] =
                    new RequestRingWriter(
                            new UnsafeBuffer(
                                    channel + REQUEST_RING_OFFSET, geometry.requestRingLength()));
            responses[i] =
                    new ResponseRingReader(
                            new UnsafeBuffer(
                                    channel + geometry.responseRingOffset(),
                                    geometry.responseRingLength()));
        }
    }

    RawLine line() {
        return line;
    }

    int depth() {
        return geometry.depth();
    }

    /** Bytes of a channel that each of its requests can have for itself. */
    int slot() {
        return geometry.arenaLength() / geometry.depth();
    }

    void fill(Maker maker) {
        for (RequestRingWriter ring : requests) {
            for (int tag = 0; tag < geometry.depth(); tag++) {
                maker.make(ring, tag);
            }
        }
        doorbell.ringIfParked();
    }

    /** How many were answered, and have been made again. */
    int turn(Maker maker) {
        int count = 0;
        for (int i = 0; i < requests.length; i++) {
            IoResponseDecoder response;
            while ((response = responses[i].poll()) != null) {
                maker.make(requests[i], (int) response.correlationId());
                count++;
            }
        }
        if (count > 0) {
            doorbell.ringIfParked();
        }
        return count;
    }

    static Maker reads(int handle, long imageLength, int length, int slot) {
        java.util.SplittableRandom random = new java.util.SplittableRandom();
        return (ring, tag) ->
                ring.write(
                        tag,
                        handle,
                        IoOp.READ,
                        random.nextLong(imageLength / length) * length,
                        length,
                        tag * slot);
    }

    @Override
    public void close() throws ErrnoException {
        SharedMemory.unmap(address, line.segmentLength());
        line.close();
    }
}
