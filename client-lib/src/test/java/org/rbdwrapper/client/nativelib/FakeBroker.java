package org.rbdwrapper.client.nativelib;

import org.agrona.concurrent.UnsafeBuffer;
import org.rbdwrapper.ipc.Errno;
import org.rbdwrapper.ipc.ErrnoException;
import org.rbdwrapper.ipc.ProtocolVersion;
import org.rbdwrapper.ipc.RunDirectories;
import org.rbdwrapper.ipc.codec.ErrorEncoder;
import org.rbdwrapper.ipc.codec.ImageOpenedEncoder;
import org.rbdwrapper.ipc.codec.IoRequestDecoder;
import org.rbdwrapper.ipc.codec.MessageHeaderDecoder;
import org.rbdwrapper.ipc.codec.OpenImageDecoder;
import org.rbdwrapper.ipc.codec.ResumeDecoder;
import org.rbdwrapper.ipc.codec.ResumedEncoder;
import org.rbdwrapper.ipc.codec.WelcomeEncoder;
import org.rbdwrapper.ipc.control.BlockingFrames;
import org.rbdwrapper.ipc.control.FrameBuffer;
import org.rbdwrapper.ipc.posix.EventFd;
import org.rbdwrapper.ipc.posix.Fd;
import org.rbdwrapper.ipc.posix.SharedMemory;
import org.rbdwrapper.ipc.posix.UnixSocket;
import org.rbdwrapper.ipc.segment.ClientWaker;
import org.rbdwrapper.ipc.segment.RequestRingReader;
import org.rbdwrapper.ipc.segment.ResponseRingWriter;
import org.rbdwrapper.ipc.segment.SegmentDescriptor;
import org.rbdwrapper.ipc.segment.SegmentGeometry;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * What a test makes of a broker, step by step: also what a broker never does. It has one client and
 * one channel.
 */
final class FakeBroker implements AutoCloseable {
    private static final int DEPTH = 64;
    private static final SegmentGeometry GEOMETRY = new SegmentGeometry(1, DEPTH, 1024 * 1024);
    private static final long TIMEOUT_NANOS = 30_000_000_000L;

    private final Path runDir = Files.createTempDirectory("rbdw-fake-");
    private final Path socketPath = runDir.resolve(RunDirectories.SOCKET_NAME);
    private int listener = UnixSocket.listen(socketPath.toString(), 1);
    private final long deadline = System.nanoTime() + TIMEOUT_NANOS;
    private int socket = -1;
    private BlockingFrames frames;
    private long address;

    FakeBroker() throws IOException {}

    Path runDir() {
        return runDir;
    }

    /** Waits for the client and its Hello. */
    void awaitHello() throws IOException {
        while ((socket = UnixSocket.accept(listener)) < 0) {
            checkTime();
        }
        frames = new BlockingFrames(socket);
        awaitMessage();
    }

    void refuse(Errno errno, String text) throws IOException {
        FrameBuffer frame = new FrameBuffer();
        ErrorEncoder message = new ErrorEncoder();
        message.wrapAndApplyHeader(frame.buffer(), FrameBuffer.MESSAGE_OFFSET, frame.header())
                .correlationId(0)
                .errno(errno.number())
                .text(text);
        frames.send(frame.finish(message.encodedLength()));
    }

    void welcome() throws IOException {
        int memory = SharedMemory.createSealed("fake", GEOMETRY.segmentLength());
        address = SharedMemory.map(memory, GEOMETRY.segmentLength());
        GEOMETRY.writeTo(new UnsafeBuffer(address, SegmentDescriptor.HEADER_LENGTH), 1);
        welcomeWith(memory);
        FrameBuffer frame = new FrameBuffer();
        ResumedEncoder message = new ResumedEncoder();
        UnsafeBuffer resume = awaitMessage();
        message.wrapAndApplyHeader(frame.buffer(), FrameBuffer.MESSAGE_OFFSET, frame.header())
                .correlationId(
                        new ResumeDecoder()
                                .wrapAndApplyHeader(resume, 0, new MessageHeaderDecoder())
                                .correlationId())
                .late((short) 0);
        frames.send(frame.finish(message.encodedLength()));
    }

    /** With a file, which its owner can truncate. */
    void welcomeWithoutSeal() throws IOException {
        Path file = runDir.resolve("memory");
        int memory = Fd.open(file.toString(), Fd.O_RDWR | Fd.O_CREAT, 0600);
        Fd.ftruncate(memory, GEOMETRY.segmentLength());
        Files.delete(file);
        welcomeWith(memory);
    }

    private void welcomeWith(int memory) throws IOException {
        FrameBuffer frame = new FrameBuffer();
        WelcomeEncoder message = new WelcomeEncoder();
        message.wrapAndApplyHeader(frame.buffer(), FrameBuffer.MESSAGE_OFFSET, frame.header())
                .protocolMajor(ProtocolVersion.MAJOR)
                .protocolMinor(ProtocolVersion.MINOR)
                .sessionId(1)
                .segmentLength(GEOMETRY.segmentLength())
                .release("fake");
        frame.finish(message.encodedLength());
        int doorbell = EventFd.create();
        try (Arena arena = Arena.ofConfined()) {
            UnixSocket.sendWithDescriptors(socket, frame.toNative(arena), memory, doorbell);
        }
        Fd.close(memory);
        Fd.close(doorbell);
    }

    /** Waits for an OpenImage and opens it as handle 1. */
    void open() throws IOException {
        long correlationId =
                new OpenImageDecoder()
                        .wrapAndApplyHeader(awaitMessage(), 0, new MessageHeaderDecoder())
                        .correlationId();
        FrameBuffer frame = new FrameBuffer();
        ImageOpenedEncoder message = new ImageOpenedEncoder();
        message.wrapAndApplyHeader(frame.buffer(), FrameBuffer.MESSAGE_OFFSET, frame.header())
                .correlationId(correlationId)
                .handle(1)
                .mappingId(1)
                .size(1024 * 1024)
                .objectSize(1024 * 1024);
        message.flags().clear().read(true);
        message.imageId("fake");
        frames.send(frame.finish(message.encodedLength()));
    }

    /** Waits for the next request and returns its correlation id. */
    long awaitRequest() throws IOException {
        RequestRingReader requests =
                new RequestRingReader(
                        new UnsafeBuffer(
                                channelAddress() + SegmentDescriptor.REQUEST_RING_OFFSET,
                                GEOMETRY.requestRingLength()));
        while (!requests.hasNext()) {
            checkTime();
        }
        requests.poll();
        IoRequestDecoder request = requests.request();
        return request.correlationId();
    }

    void respond(long correlationId, long result) {
        new ResponseRingWriter(
                        new UnsafeBuffer(
                                channelAddress() + GEOMETRY.responseRingOffset(),
                                GEOMETRY.responseRingLength()))
                .write(correlationId, result);
        new ClientWaker(new UnsafeBuffer(channelAddress(), SegmentDescriptor.REQUEST_RING_OFFSET))
                .wakeIfWaiting();
    }

    /** Ends, and lets nobody in. */
    void hangUp() throws IOException {
        Fd.close(listener);
        listener = -1;
        Fd.close(socket);
        socket = -1;
    }

    @Override
    public void close() throws IOException {
        if (socket >= 0) {
            hangUp();
        }
        if (listener >= 0) {
            Fd.close(listener);
        }
        if (address != 0) {
            SharedMemory.unmap(address, GEOMETRY.segmentLength());
        }
        Files.delete(socketPath);
        Files.delete(runDir);
    }

    private long channelAddress() {
        return address + GEOMETRY.channelOffset(0);
    }

    private UnsafeBuffer awaitMessage() throws IOException {
        while (true) {
            try {
                return frames.receive();
            } catch (ErrnoException e) {
                if (!e.errno().equals(Errno.ETIMEDOUT)) {
                    throw e;
                }
                checkTime();
            }
        }
    }

    private void checkTime() throws IOException {
        if (System.nanoTime() > deadline) {
            throw new IOException("the client did not do what was expected");
        }
        Thread.onSpinWait();
    }
}
