package org.rbdwrapper.broker.messenger;

import static org.rbdwrapper.ipc.segment.SegmentDescriptor.BROKER_PARKED_OFFSET;
import static org.rbdwrapper.ipc.segment.SegmentDescriptor.HEADER_LENGTH;
import static org.rbdwrapper.ipc.segment.SegmentDescriptor.MIN_ARENA_LENGTH;
import static org.rbdwrapper.ipc.segment.SegmentDescriptor.MIN_DEPTH;
import static org.rbdwrapper.ipc.segment.SegmentDescriptor.REQUEST_RING_OFFSET;

import org.agrona.concurrent.UnsafeBuffer;
import org.rbdwrapper.ipc.ErrnoException;
import org.rbdwrapper.ipc.codec.IoOp;
import org.rbdwrapper.ipc.posix.EventFd;
import org.rbdwrapper.ipc.posix.SharedMemory;
import org.rbdwrapper.ipc.segment.RequestRingWriter;
import org.rbdwrapper.ipc.segment.ResponseRingReader;
import org.rbdwrapper.ipc.segment.SegmentGeometry;

/**
 * A session's two sides without a broker or a store: the client's mapping of its segment, and what
 * a messenger has of it. Requests are of no open, and so are answered by the messenger itself.
 *
 * <p>A channel is one thread's at a time, as are the steps by which it rings.
 */
final class SegmentClient implements AutoCloseable {
    private final SessionChannels session;
    private final SegmentGeometry geometry;
    private final long address;
    private final UnsafeBuffer header;
    private final RequestRingWriter[] requests;
    private final ResponseRingReader[] responses;
    private volatile boolean violated;

    SegmentClient(String name, int channels) throws ErrnoException {
        geometry = new SegmentGeometry(channels, MIN_DEPTH, MIN_ARENA_LENGTH);
        session =
                SessionChannels.create(
                        name, geometry, 1, RingClient.unbounded(), 0, () -> violated = true);
        address = SharedMemory.map(session.memoryFd(), geometry.segmentLength());
        session.closeMemoryFd();
        header = new UnsafeBuffer(address, HEADER_LENGTH);
        requests = new RequestRingWriter[channels];
        responses = new ResponseRingReader[channels];
        for (int i = 0; i < channels; i++) {
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

    SessionChannels session() {
        return session;
    }

    boolean isViolated() {
        return violated;
    }

    void publish(int channel) {
        requests[channel].write(0, 0, IoOp.READ, 0, 0, 0);
    }

    void publishWithTagThatIsNone(int channel) {
        requests[channel].write(geometry.depth(), 0, IoOp.READ, 0, 0, 0);
    }

    /** What {@link org.rbdwrapper.ipc.segment.Doorbell#ringIfParked} reads after its fence. */
    int parkedWord() {
        return header.getIntVolatile(BROKER_PARKED_OFFSET);
    }

    void ring() {
        EventFd.ring(session.doorbellFd());
    }

    void swap(int number) {
        header.compareAndSetInt(BROKER_PARKED_OFFSET, number, 0);
    }

    /** As no client does. */
    void scribble(int word) {
        header.putIntVolatile(BROKER_PARKED_OFFSET, word);
    }

    /** Whether it had to ring. */
    boolean publishAndRing(int channel) {
        publish(channel);
        java.lang.invoke.VarHandle.fullFence();
        int number = parkedWord();
        if (number != 0) {
            ring();
            swap(number);
        }
        return number != 0;
    }

    boolean takeAnswer(int channel) {
        return responses[channel].poll() != null;
    }

    /** No messenger has it any more. */
    @Override
    public void close() throws ErrnoException {
        SharedMemory.unmap(address, geometry.segmentLength());
        session.free();
    }
}
