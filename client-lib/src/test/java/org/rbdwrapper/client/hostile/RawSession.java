package org.rbdwrapper.client.hostile;

import static org.rbdwrapper.ipc.segment.SegmentDescriptor.BODY_OFFSET;
import static org.rbdwrapper.ipc.segment.SegmentDescriptor.HEADER_LENGTH;
import static org.rbdwrapper.ipc.segment.SegmentDescriptor.LENGTH_OFFSET;
import static org.rbdwrapper.ipc.segment.SegmentDescriptor.MESSAGE_OFFSET;
import static org.rbdwrapper.ipc.segment.SegmentDescriptor.REQUEST_LENGTH;
import static org.rbdwrapper.ipc.segment.SegmentDescriptor.REQUEST_RING_OFFSET;
import static org.rbdwrapper.ipc.segment.SegmentDescriptor.RESPONSE_LENGTH;
import static org.rbdwrapper.ipc.segment.SegmentDescriptor.TYPE_OFFSET;

import org.agrona.concurrent.UnsafeBuffer;
import org.rbdwrapper.ipc.Errno;
import org.rbdwrapper.ipc.ErrnoException;
import org.rbdwrapper.ipc.ProtocolVersion;
import org.rbdwrapper.ipc.RunDirectories;
import org.rbdwrapper.ipc.codec.CloseImageEncoder;
import org.rbdwrapper.ipc.codec.HelloEncoder;
import org.rbdwrapper.ipc.codec.ImageOpenedDecoder;
import org.rbdwrapper.ipc.codec.IoRequestEncoder;
import org.rbdwrapper.ipc.codec.IoResponseDecoder;
import org.rbdwrapper.ipc.codec.MessageHeaderDecoder;
import org.rbdwrapper.ipc.codec.MessageHeaderEncoder;
import org.rbdwrapper.ipc.codec.OpenImageEncoder;
import org.rbdwrapper.ipc.codec.ResumeEncoder;
import org.rbdwrapper.ipc.codec.ResumedDecoder;
import org.rbdwrapper.ipc.codec.WelcomeDecoder;
import org.rbdwrapper.ipc.control.BlockingFrames;
import org.rbdwrapper.ipc.control.FrameBuffer;
import org.rbdwrapper.ipc.posix.EventFd;
import org.rbdwrapper.ipc.posix.Fd;
import org.rbdwrapper.ipc.posix.SharedMemory;
import org.rbdwrapper.ipc.posix.UnixSocket;
import org.rbdwrapper.ipc.segment.Doorbell;
import org.rbdwrapper.ipc.segment.SegmentGeometry;

import java.nio.file.Path;

/** A session whose every byte the test writes itself, one channel of it. */
final class RawSession implements AutoCloseable {
    static final int DEPTH = 64;
    private static final long TIMEOUT_NANOS = 20_000_000_000L;

    final int socket;
    final long id;
    final UnsafeBuffer segment;
    final UnsafeBuffer requests;
    final UnsafeBuffer responses;
    final SegmentGeometry geometry;
    final int doorbell;
    private final int depth;
    private final BlockingFrames frames;
    private final long address;
    private final long length;
    private long requestPosition;
    private long responsePosition;

    RawSession(Path runDir) throws ErrnoException {
        this(runDir, 1);
    }

    /**
     * @param channels of which the first is used.
     */
    RawSession(Path runDir, int channels) throws ErrnoException {
        this(runDir, channels, DEPTH, 64 * 1024);
    }

    /**
     * @param depth a power of 2.
     */
    RawSession(Path runDir, int depth, int arenaLength) throws ErrnoException {
        this(runDir, 1, depth, arenaLength);
    }

    private RawSession(Path runDir, int channels, int depth, int arenaLength)
            throws ErrnoException {
        this.depth = depth;
        socket = UnixSocket.connect(runDir.resolve(RunDirectories.SOCKET_NAME).toString());
        frames = new BlockingFrames(socket);
        FrameBuffer frame = new FrameBuffer();
        HelloEncoder hello = new HelloEncoder();
        hello.wrapAndApplyHeader(frame.buffer(), FrameBuffer.MESSAGE_OFFSET, frame.header())
                .protocolMajor(ProtocolVersion.MAJOR)
                .protocolMinor(ProtocolVersion.MINOR)
                .channels(channels)
                .depth(depth)
                .arenaLength(arenaLength)
                .program("hostile")
                .release("0");
        frames.send(frame.finish(hello.encodedLength()));
        int[] descriptors = new int[2];
        UnsafeBuffer answer = frames.receive(descriptors);
        WelcomeDecoder welcome =
                new WelcomeDecoder().wrapAndApplyHeader(answer, 0, new MessageHeaderDecoder());
        length = welcome.segmentLength();
        id = welcome.sessionId();
        address = SharedMemory.map(descriptors[0], length);
        Fd.close(descriptors[0]);
        doorbell = descriptors[1];
        segment = new UnsafeBuffer(address, HEADER_LENGTH);
        geometry = SegmentGeometry.readFrom(segment, length);
        long channel = address + geometry.channelOffset(0);
        requests = new UnsafeBuffer(channel + REQUEST_RING_OFFSET, geometry.requestRingLength());
        responses =
                new UnsafeBuffer(
                        channel + geometry.responseRingOffset(), geometry.responseRingLength());
    }

    /** The whole segment, for who scribbles over it. */
    UnsafeBuffer everything() {
        return new UnsafeBuffer(address, (int) length);
    }

    /** The channel's. */
    UnsafeBuffer arena() {
        long channel = address + geometry.channelOffset(0);
        return new UnsafeBuffer(channel + geometry.arenaOffset(), geometry.arenaLength());
    }

    Doorbell doorbell() {
        return new Doorbell(segment, doorbell);
    }

    /** Whether the answer is that it is late. */
    boolean resume(long generation, long sessionId) throws ErrnoException {
        FrameBuffer frame = new FrameBuffer();
        ResumeEncoder message = new ResumeEncoder();
        message.wrapAndApplyHeader(frame.buffer(), FrameBuffer.MESSAGE_OFFSET, frame.header())
                .correlationId(3)
                .generation(generation)
                .sessionId(sessionId);
        frames.send(frame.finish(message.encodedLength()));
        return new ResumedDecoder()
                        .wrapAndApplyHeader(frames.receive(), 0, new MessageHeaderDecoder())
                        .late()
                != 0;
    }

    int open(String path) throws ErrnoException {
        FrameBuffer frame = new FrameBuffer();
        OpenImageEncoder message = new OpenImageEncoder();
        message.wrapAndApplyHeader(frame.buffer(), FrameBuffer.MESSAGE_OFFSET, frame.header())
                .correlationId(1);
        message.flags().clear().read(true).write(true);
        message.path(path);
        frames.send(frame.finish(message.encodedLength()));
        return (int)
                new ImageOpenedDecoder()
                        .wrapAndApplyHeader(frames.receive(), 0, new MessageHeaderDecoder())
                        .handle();
    }

    /** Asks for the end of an open without waiting for it. */
    void requestClose(int handle) throws ErrnoException {
        FrameBuffer frame = new FrameBuffer();
        CloseImageEncoder message = new CloseImageEncoder();
        message.wrapAndApplyHeader(frame.buffer(), FrameBuffer.MESSAGE_OFFSET, frame.header())
                .correlationId(2)
                .handle(Integer.toUnsignedLong(handle));
        frames.send(frame.finish(message.encodedLength()));
    }

    /**
     * Writes a well-formed record, which the test may then damage, without publishing it; returns
     * its offset.
     */
    int prepare(
            long correlationId,
            int handle,
            int op,
            long position,
            long transferLength,
            long arenaOffset) {
        int offset = requestIndex();
        requests.putLong((offset + REQUEST_LENGTH) % (2 * depth * REQUEST_LENGTH), 0);
        requests.putInt(offset + TYPE_OFFSET, IoRequestEncoder.TEMPLATE_ID);
        new MessageHeaderEncoder()
                .wrap(requests, offset + MESSAGE_OFFSET)
                .blockLength(IoRequestEncoder.BLOCK_LENGTH)
                .templateId(IoRequestEncoder.TEMPLATE_ID)
                .schemaId(IoRequestEncoder.SCHEMA_ID)
                .version(IoRequestEncoder.SCHEMA_VERSION);
        int body = offset + BODY_OFFSET;
        requests.putLong(body + IoRequestEncoder.correlationIdEncodingOffset(), correlationId);
        requests.putLong(body + IoRequestEncoder.positionEncodingOffset(), position);
        requests.putLong(body + IoRequestEncoder.lengthEncodingOffset(), transferLength);
        requests.putInt(body + IoRequestEncoder.handleEncodingOffset(), handle);
        requests.putInt(body + IoRequestEncoder.arenaOffsetEncodingOffset(), (int) arenaOffset);
        requests.putByte(body + IoRequestEncoder.opEncodingOffset(), (byte) op);
        return offset;
    }

    void publish() {
        requests.putIntRelease(requestIndex() + LENGTH_OFFSET, REQUEST_LENGTH);
        requestPosition += REQUEST_LENGTH;
    }

    private int requestIndex() {
        return (int) (requestPosition % (2L * depth * REQUEST_LENGTH));
    }

    void ring() {
        EventFd.ring(doorbell);
    }

    /** The next response's result, or null where the broker hung up instead. */
    Long awaitResult() {
        long deadline = System.nanoTime() + TIMEOUT_NANOS;
        for (int i = 1; ; i++) {
            Long result = pollResult();
            if (result != null) {
                return result;
            }
            if (i % 1000 == 0 && isHungUp(0)) {
                return pollResult();
            }
            if (System.nanoTime() > deadline) {
                throw new IllegalStateException("neither a response nor the end within 20 s");
            }
            Thread.onSpinWait();
        }
    }

    Long pollResult() {
        int offset = (int) (responsePosition % (2L * depth * RESPONSE_LENGTH));
        if (responses.getIntVolatile(offset + LENGTH_OFFSET) != RESPONSE_LENGTH) {
            return null;
        }
        responsePosition += RESPONSE_LENGTH;
        return responses.getLong(offset + BODY_OFFSET + IoResponseDecoder.resultEncodingOffset());
    }

    boolean isHungUp(int timeoutMillis) {
        return UnixSocket.awaitHangup(socket, timeoutMillis);
    }

    /** Sends bytes as they are. */
    static void sendRaw(int socket, byte[] bytes) {
        try (java.lang.foreign.Arena arena = java.lang.foreign.Arena.ofConfined()) {
            long n =
                    UnixSocket.send(
                            socket,
                            arena.allocate(Math.max(bytes.length, 1))
                                    .copyFrom(java.lang.foreign.MemorySegment.ofArray(bytes))
                                    .asSlice(0, bytes.length));
            if (n < 0 && n != -Errno.EPIPE.number() && n != -Errno.ECONNRESET.number()) {
                throw new IllegalStateException("send: " + Errno.of((int) n));
            }
        }
    }

    @Override
    public void close() throws ErrnoException {
        SharedMemory.unmap(address, length);
        Fd.close(doorbell);
        Fd.close(socket);
    }
}
