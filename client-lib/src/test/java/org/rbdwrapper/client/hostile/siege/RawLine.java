package org.rbdwrapper.client.hostile.siege;

import org.agrona.concurrent.UnsafeBuffer;
import org.rbdwrapper.ipc.Errno;
import org.rbdwrapper.ipc.ErrnoException;
import org.rbdwrapper.ipc.ProtocolVersion;
import org.rbdwrapper.ipc.RunDirectories;
import org.rbdwrapper.ipc.codec.CloseImageEncoder;
import org.rbdwrapper.ipc.codec.ErrorDecoder;
import org.rbdwrapper.ipc.codec.HelloEncoder;
import org.rbdwrapper.ipc.codec.ImageOpenedDecoder;
import org.rbdwrapper.ipc.codec.MessageHeaderDecoder;
import org.rbdwrapper.ipc.codec.OpenImageEncoder;
import org.rbdwrapper.ipc.codec.SetTimesEncoder;
import org.rbdwrapper.ipc.codec.ShareOpenEncoder;
import org.rbdwrapper.ipc.codec.StatEncoder;
import org.rbdwrapper.ipc.codec.WelcomeDecoder;
import org.rbdwrapper.ipc.control.BlockingFrames;
import org.rbdwrapper.ipc.control.FrameBuffer;
import org.rbdwrapper.ipc.posix.Fd;
import org.rbdwrapper.ipc.posix.FileTimes;
import org.rbdwrapper.ipc.posix.UnixSocket;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;

/** A connection on which frames are sent and read as the attack likes. One thread. */
final class RawLine implements AutoCloseable {
    private final int socket;
    private final BlockingFrames frames;
    private int memory = -1;
    private int doorbell = -1;
    private long segmentLength;

    RawLine(Path runDir) throws ErrnoException {
        socket = UnixSocket.connect(runDir.resolve(RunDirectories.SOCKET_NAME).toString());
        frames = new BlockingFrames(socket);
    }

    /** Says Hello, and waits for the welcome; closed where that is refused. */
    RawLine hello(int channels, int depth, int arenaLength) throws ErrnoException {
        try {
            sayHello(channels, depth, arenaLength);
            return this;
        } catch (ErrnoException e) {
            close();
            throw e;
        }
    }

    private void sayHello(int channels, int depth, int arenaLength) throws ErrnoException {
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
        send(frame.finish(hello.encodedLength()).toBytes());
        int[] descriptors = new int[2];
        UnsafeBuffer answer = checked(frames.receive(descriptors));
        memory = descriptors[0];
        doorbell = descriptors[1];
        segmentLength =
                new WelcomeDecoder()
                        .wrapAndApplyHeader(answer, 0, new MessageHeaderDecoder())
                        .segmentLength();
    }

    /** All of them; waits where the broker does not read. */
    void send(byte[] bytes) throws ErrnoException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment left =
                    arena.allocate(bytes.length).copyFrom(MemorySegment.ofArray(bytes));
            while (left.byteSize() > 0) {
                long n = UnixSocket.send(socket, left);
                if (n < 0) {
                    throw new ErrnoException(Errno.of((int) n), "send");
                }
                left = left.asSlice(n);
            }
        }
    }

    void send(byte[] frame, int times) throws ErrnoException {
        byte[] all = new byte[frame.length * times];
        for (int i = 0; i < times; i++) {
            System.arraycopy(frame, 0, all, i * frame.length, frame.length);
        }
        send(all);
    }

    /** The next message, an error or not. */
    UnsafeBuffer receive() throws ErrnoException {
        return frames.receive();
    }

    void receive(int count) throws ErrnoException {
        for (int i = 0; i < count; i++) {
            frames.receive();
        }
    }

    /** Those that came with the next message, which is none that says an error. */
    int[] receiveDescriptors() throws ErrnoException {
        int[] descriptors = new int[2];
        checked(frames.receive(descriptors));
        return descriptors;
    }

    /** The handle. */
    int open(String path, boolean write) throws ErrnoException {
        send(openFrame(path, write));
        return (int)
                new ImageOpenedDecoder()
                        .wrapAndApplyHeader(checked(receive()), 0, new MessageHeaderDecoder())
                        .handle();
    }

    static byte[] openFrame(String path, boolean write) {
        FrameBuffer frame = new FrameBuffer();
        OpenImageEncoder message = new OpenImageEncoder();
        message.wrapAndApplyHeader(frame.buffer(), FrameBuffer.MESSAGE_OFFSET, frame.header())
                .correlationId(1);
        message.flags().clear().read(true).write(write);
        message.path(path);
        return frame.finish(message.encodedLength()).toBytes();
    }

    static byte[] statFrame(String path) {
        FrameBuffer frame = new FrameBuffer();
        StatEncoder message = new StatEncoder();
        message.wrapAndApplyHeader(frame.buffer(), FrameBuffer.MESSAGE_OFFSET, frame.header())
                .correlationId(1)
                .handle(StatEncoder.handleNullValue())
                .path(path);
        return frame.finish(message.encodedLength()).toBytes();
    }

    static byte[] closeFrame(int handle) {
        FrameBuffer frame = new FrameBuffer();
        CloseImageEncoder message = new CloseImageEncoder();
        message.wrapAndApplyHeader(frame.buffer(), FrameBuffer.MESSAGE_OFFSET, frame.header())
                .correlationId(1)
                .handle(Integer.toUnsignedLong(handle));
        return frame.finish(message.encodedLength()).toBytes();
    }

    static byte[] setTimesFrame(String path) {
        FrameBuffer frame = new FrameBuffer();
        SetTimesEncoder message = new SetTimesEncoder();
        message.wrapAndApplyHeader(frame.buffer(), FrameBuffer.MESSAGE_OFFSET, frame.header())
                .correlationId(1)
                .handle(SetTimesEncoder.handleNullValue())
                .accessed(FileTimes.NOW)
                .modified(FileTimes.NOW)
                .path(path);
        return frame.finish(message.encodedLength()).toBytes();
    }

    static byte[] shareFrame(int handle, String path) {
        FrameBuffer frame = new FrameBuffer();
        ShareOpenEncoder message = new ShareOpenEncoder();
        message.wrapAndApplyHeader(frame.buffer(), FrameBuffer.MESSAGE_OFFSET, frame.header())
                .correlationId(1)
                .handle(Integer.toUnsignedLong(handle))
                .partition(0)
                .start(0)
                .length(-1)
                .path(path);
        return frame.finish(message.encodedLength()).toBytes();
    }

    /** A message of which only a header and a correlation id is there. */
    static byte[] listFrame(int templateId, int blockLength) {
        FrameBuffer frame = new FrameBuffer();
        frame.header()
                .wrap(frame.buffer(), FrameBuffer.MESSAGE_OFFSET)
                .blockLength(blockLength)
                .templateId(templateId)
                .schemaId(StatEncoder.SCHEMA_ID)
                .version(StatEncoder.SCHEMA_VERSION);
        frame.buffer()
                .putLong(
                        FrameBuffer.MESSAGE_OFFSET + MessageHeaderDecoder.ENCODED_LENGTH,
                        1,
                        java.nio.ByteOrder.LITTLE_ENDIAN);
        return frame.finish(blockLength).toBytes();
    }

    private static UnsafeBuffer checked(UnsafeBuffer message) throws ErrnoException {
        MessageHeaderDecoder header = new MessageHeaderDecoder().wrap(message, 0);
        if (header.templateId() == ErrorDecoder.TEMPLATE_ID) {
            ErrorDecoder error = new ErrorDecoder().wrapAndApplyHeader(message, 0, header);
            throw new ErrnoException(Errno.of(error.errno()), error.text());
        }
        return message;
    }

    /**
     * @throws ErrnoException ENOTCONN where the broker has hung up.
     */
    void checkAlive() throws ErrnoException {
        if (UnixSocket.awaitHangup(socket, 0)) {
            throw new ErrnoException(Errno.ENOTCONN, "the broker has hung up");
        }
    }

    int memory() {
        return memory;
    }

    int doorbell() {
        return doorbell;
    }

    long segmentLength() {
        return segmentLength;
    }

    @Override
    public void close() throws ErrnoException {
        Fd.close(socket);
        if (memory >= 0) {
            Fd.close(memory);
        }
        if (doorbell >= 0) {
            Fd.close(doorbell);
        }
    }
}
