package org.rbdwrapper.client.session;

import static org.rbdwrapper.ipc.segment.SegmentDescriptor.HEADER_LENGTH;

import org.agrona.concurrent.UnsafeBuffer;
import org.rbdwrapper.client.io.Channels;
import org.rbdwrapper.client.io.Liveness;
import org.rbdwrapper.ipc.ErrnoException;
import org.rbdwrapper.ipc.codec.CloseImageEncoder;
import org.rbdwrapper.ipc.codec.DoneDecoder;
import org.rbdwrapper.ipc.codec.ImageOpenedDecoder;
import org.rbdwrapper.ipc.codec.ImageStatDecoder;
import org.rbdwrapper.ipc.codec.OpenImageEncoder;
import org.rbdwrapper.ipc.codec.StatEncoder;
import org.rbdwrapper.ipc.control.ControlConnection;
import org.rbdwrapper.ipc.control.FrameBuffer;
import org.rbdwrapper.ipc.posix.Fd;
import org.rbdwrapper.ipc.posix.SharedMemory;
import org.rbdwrapper.ipc.segment.SegmentGeometry;

import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * This process's sessions with a broker, made when they are first needed and kept for what follows:
 * one for threads that wait, one for who does not, with a longer queue and more room for data in
 * one channel, and one whose room for data is the program's. When their broker has gone, the next
 * open makes others.
 *
 * <p>Any thread.
 */
public final class BrokerSession {
    /** One shared and four leased: more threads than that wait together for the shared one. */
    private static final int CHANNELS = 5;

    private static final int DEPTH = 64;
    private static final int ARENA_LENGTH = 1024 * 1024;
    private static final int QUEUE_DEPTH = 256;
    private static final int QUEUE_ARENA_LENGTH = 4 * 1024 * 1024;
    private static final Map<List<Path>, BrokerSession> SESSIONS = new HashMap<>();
    private static final int BUFFERS_ARENA_LENGTH = 16 * 1024 * 1024;
    private static final Map<List<Path>, BrokerSession> QUEUES = new HashMap<>();
    private static final Map<List<Path>, BrokerSession> BUFFERS = new HashMap<>();

    private final ControlConnection control;
    private final Liveness liveness;
    private final Channels channels;

    private BrokerSession(ControlConnection control, Liveness liveness, Channels channels) {
        this.control = control;
        this.liveness = liveness;
        this.channels = channels;
    }

    /** The session with the first broker of these run directories. */
    public static BrokerSession of(List<Path> runDirs) throws ErrnoException {
        return of(SESSIONS, runDirs, CHANNELS, DEPTH, ARENA_LENGTH);
    }

    /** Likewise, for operations that nobody waits for. */
    public static BrokerSession queueOf(List<Path> runDirs) throws ErrnoException {
        return of(QUEUES, runDirs, 1, QUEUE_DEPTH, QUEUE_ARENA_LENGTH);
    }

    /** Likewise, for data that lies in the session's memory already. */
    public static BrokerSession buffersOf(List<Path> runDirs) throws ErrnoException {
        return of(BUFFERS, runDirs, 1, QUEUE_DEPTH, BUFFERS_ARENA_LENGTH);
    }

    private static BrokerSession of(
            Map<List<Path>, BrokerSession> known,
            List<Path> runDirs,
            int channels,
            int depth,
            int arenaLength)
            throws ErrnoException {
        synchronized (known) {
            BrokerSession session = known.get(runDirs);
            if (session == null || session.liveness.isDead()) {
                session = connect(ControlConnection.connect(runDirs), channels, depth, arenaLength);
                known.put(List.copyOf(runDirs), session);
            }
            return session;
        }
    }

    public Channels channels() {
        return channels;
    }

    public OpenedImage open(String path, boolean read, boolean write) throws ErrnoException {
        return control.call(
                (frame, correlationId) -> {
                    OpenImageEncoder message = new OpenImageEncoder();
                    message.wrapAndApplyHeader(
                                    frame.buffer(), FrameBuffer.MESSAGE_OFFSET, frame.header())
                            .correlationId(correlationId);
                    message.flags().clear().read(read).write(write);
                    message.path(path);
                    return message.encodedLength();
                },
                ImageOpenedDecoder.TEMPLATE_ID,
                (message, header) -> {
                    ImageOpenedDecoder opened =
                            new ImageOpenedDecoder().wrapAndApplyHeader(message, 0, header);
                    return new OpenedImage(
                            path,
                            (int) opened.handle(),
                            (int) opened.objectSize(),
                            opened.imageId());
                });
    }

    /** Returns when the image's requests are done and the broker has closed it. */
    public void close(OpenedImage image) throws ErrnoException {
        if (liveness.isDead()) {
            return; // the broker's end closed it
        }
        control.call(
                (frame, correlationId) -> {
                    CloseImageEncoder message = new CloseImageEncoder();
                    message.wrapAndApplyHeader(
                                    frame.buffer(), FrameBuffer.MESSAGE_OFFSET, frame.header())
                            .correlationId(correlationId)
                            .handle(Integer.toUnsignedLong(image.handle()));
                    return message.encodedLength();
                },
                DoneDecoder.TEMPLATE_ID,
                (message, header) -> message);
    }

    /** Bytes, as the broker knows it now. */
    public long size(int handle) throws ErrnoException {
        return control.call(
                (frame, correlationId) -> {
                    StatEncoder message = new StatEncoder();
                    message.wrapAndApplyHeader(
                                    frame.buffer(), FrameBuffer.MESSAGE_OFFSET, frame.header())
                            .correlationId(correlationId)
                            .handle(Integer.toUnsignedLong(handle))
                            .path("");
                    return message.encodedLength();
                },
                ImageStatDecoder.TEMPLATE_ID,
                (message, header) ->
                        new ImageStatDecoder().wrapAndApplyHeader(message, 0, header).size());
    }

    private static BrokerSession connect(
            ControlConnection control, int channels, int depth, int arenaLength)
            throws ErrnoException {
        int[] descriptors = {-1, -1};
        try {
            long length =
                    control.hello(programName(), channels, depth, arenaLength, descriptors)
                            .segmentLength();
            SharedMemory.checkSealed(descriptors[0], length);
            long address = SharedMemory.map(descriptors[0], length);
            SegmentGeometry geometry =
                    SegmentGeometry.readFrom(new UnsafeBuffer(address, HEADER_LENGTH), length);
            Fd.close(descriptors[0]);
            Liveness liveness = new Liveness(control.socket());
            Channels io = new Channels(address, geometry, descriptors[1], liveness);
            liveness.start();
            return new BrokerSession(control, liveness, io);
        } catch (ErrnoException e) {
            for (int descriptor : descriptors) {
                if (descriptor >= 0) {
                    Fd.close(descriptor);
                }
            }
            control.close();
            throw e;
        }
    }

    /** For people: the main class or jar, as the JVM was called. */
    static String programName() {
        String command = System.getProperty("sun.java.command", "java");
        int space = command.indexOf(' ');
        String first = space < 0 ? command : command.substring(0, space);
        return first.substring(first.lastIndexOf('/') + 1);
    }
}
