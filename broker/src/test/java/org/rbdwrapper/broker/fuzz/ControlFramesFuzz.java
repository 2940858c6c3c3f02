package org.rbdwrapper.broker.fuzz;

import org.agrona.concurrent.UnsafeBuffer;
import org.rbdwrapper.broker.testing.TestBroker;
import org.rbdwrapper.ipc.ErrnoException;
import org.rbdwrapper.ipc.RunDirectories;
import org.rbdwrapper.ipc.codec.BrokerDescriptionDecoder;
import org.rbdwrapper.ipc.codec.CreateImageEncoder;
import org.rbdwrapper.ipc.codec.DescribeBrokerEncoder;
import org.rbdwrapper.ipc.codec.DoneDecoder;
import org.rbdwrapper.ipc.codec.HelloDecoder;
import org.rbdwrapper.ipc.codec.ImageMappedDecoder;
import org.rbdwrapper.ipc.codec.MapImageEncoder;
import org.rbdwrapper.ipc.control.ControlConnection;
import org.rbdwrapper.ipc.control.FrameAssembler;
import org.rbdwrapper.ipc.control.FrameBuffer;

import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.SocketChannel;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * A client that says what it likes on its socket, in pieces of any length, to a broker beside which
 * another client works: it is answered or disconnected, nothing of it is left, nothing escapes into
 * the broker's threads, and the other client is answered.
 *
 * <p>Input: u8 length of the pieces, then what is sent.
 */
public final class ControlFramesFuzz {
    private static final String IMAGE = "img0";
    private static final int MAX_STREAM = 128 * 1024; // fits into a socket's buffer
    private static final int INPUTS_A_BROKER = 20_000;
    private static final long TIMEOUT_NANOS = 20_000_000_000L;
    private static ControlFramesFuzz instance;
    private static boolean prepared;

    private final TestBroker broker;
    private final UnixDomainSocketAddress address;
    private final ControlConnection other;
    private final ByteBuffer answers = ByteBuffer.allocateDirect(64 * 1024);
    private int inputs;

    private ControlFramesFuzz() throws Exception {
        broker = TestBroker.start("memory");
        address = UnixDomainSocketAddress.of(broker.runDir().resolve(RunDirectories.SOCKET_NAME));
        other = ControlConnection.connect(List.of(broker.runDir()));
        other.hello("other", 0, 0, 0);
        makeImage();
    }

    public static void fuzzerTestOneInput(byte[] data) {
        try {
            if (instance != null && instance.inputs >= INPUTS_A_BROKER) {
                instance.close();
                instance = null;
            }
            if (!prepared) {
                prepared = true;
                FuzzLog.listen();
                Runtime.getRuntime().addShutdownHook(new Thread(ControlFramesFuzz::closeLast));
            }
            if (instance == null) {
                instance = new ControlFramesFuzz();
            }
            instance.run(new FuzzInput(data));
        } catch (RuntimeException e) {
            throw e;
        } catch (Exception e) {
            throw new IllegalStateException(e);
        }
    }

    private void run(FuzzInput input) throws IOException {
        inputs++;
        int piece = 1 + input.u8();
        byte[] stream = input.someBytes(MAX_STREAM);
        require(
                frames(stream, stream.length).equals(frames(stream, piece)),
                "other frames where they come in pieces");
        bounded(stream);
        talk(stream, piece);
        checkOther();
        String error = FuzzLog.firstError();
        require(error == null, error);
    }

    /** The frames that are in it, each as text, and how it ended. */
    private static List<String> frames(byte[] stream, int piece) {
        FrameAssembler assembler = new FrameAssembler(FrameBuffer.MAX_CLIENT_FRAME);
        List<String> frames = new ArrayList<>();
        try {
            for (int at = 0; at < stream.length; at += piece) {
                byte[] part = Arrays.copyOfRange(stream, at, Math.min(at + piece, stream.length));
                assembler.append(part, part.length);
                UnsafeBuffer frame;
                while ((frame = assembler.next()) != null) {
                    byte[] bytes = new byte[frame.capacity()];
                    frame.getBytes(0, bytes);
                    frames.add(Arrays.hashCode(bytes) + ":" + bytes.length);
                }
            }
        } catch (ErrnoException e) {
            frames.add(e.describe());
        }
        return frames;
    }

    /** Hellos ask for little memory: to fill a gigabyte takes long and tells nothing. */
    private static void bounded(byte[] stream) {
        ByteBuffer bytes = ByteBuffer.wrap(stream).order(ByteOrder.LITTLE_ENDIAN);
        int at = 0;
        while (at + 24 <= stream.length) {
            int length = bytes.getInt(at);
            if (bytes.getShort(at + 6) == HelloDecoder.TEMPLATE_ID) {
                int body = at + 12;
                bytes.putShort(body + 4, (short) (bytes.getShort(body + 4) & 3));
                bytes.putShort(body + 6, (short) (bytes.getShort(body + 6) & 0xff));
                bytes.putInt(body + 8, bytes.getInt(body + 8) & 0xffff);
            }
            if (length < 0 || length > FrameBuffer.MAX_CLIENT_FRAME) {
                return;
            }
            at += FrameBuffer.LENGTH_BYTES + length;
        }
    }

    private void talk(byte[] stream, int piece) throws IOException {
        try (SocketChannel socket = SocketChannel.open(address)) {
            try {
                // some pieces as they are, the rest at once: each costs a system call
                int at = 0;
                for (int i = 0; i < 8 && at < stream.length; i++) {
                    int length = Math.min(piece, stream.length - at);
                    write(socket, ByteBuffer.wrap(stream, at, length));
                    at += length;
                }
                write(socket, ByteBuffer.wrap(stream, at, stream.length - at));
                socket.shutdownOutput();
            } catch (IOException e) {
                return; // it hung up: what it took is checked by what is left of it
            }
            try {
                int n;
                do {
                    answers.clear();
                    n = socket.read(answers);
                } while (n >= 0);
            } catch (IOException e) {
                return; // reset: it had not read all
            }
        }
    }

    private static void write(SocketChannel socket, ByteBuffer bytes) throws IOException {
        while (bytes.hasRemaining()) {
            socket.write(bytes);
        }
    }

    /** The other client is answered, and alone again. */
    private void checkOther() throws ErrnoException {
        long deadline = System.nanoTime() + TIMEOUT_NANOS;
        while (true) {
            boolean alone =
                    other.call(
                            (frame, id) -> {
                                DescribeBrokerEncoder message = new DescribeBrokerEncoder();
                                message.wrapAndApplyHeader(
                                                frame.buffer(),
                                                FrameBuffer.MESSAGE_OFFSET,
                                                frame.header())
                                        .correlationId(id);
                                return message.encodedLength();
                            },
                            BrokerDescriptionDecoder.TEMPLATE_ID,
                            (message, header) -> {
                                BrokerDescriptionDecoder description =
                                        new BrokerDescriptionDecoder()
                                                .wrapAndApplyHeader(message, 0, header);
                                if (description.mappings() == 0) {
                                    inputs = INPUTS_A_BROKER; // it has unmapped the image
                                }
                                return description.sessions() == 1 && description.opens() == 0;
                            });
            if (alone) {
                return;
            }
            require(System.nanoTime() < deadline, "a session is left");
        }
    }

    private void makeImage() throws ErrnoException {
        other.call(
                (frame, id) -> {
                    CreateImageEncoder message = new CreateImageEncoder();
                    message.wrapAndApplyHeader(
                                    frame.buffer(), FrameBuffer.MESSAGE_OFFSET, frame.header())
                            .correlationId(id)
                            .size(1 << 20)
                            .spec(IMAGE);
                    return message.encodedLength();
                },
                DoneDecoder.TEMPLATE_ID,
                (message, header) -> true);
        other.call(
                (frame, id) -> {
                    MapImageEncoder message = new MapImageEncoder();
                    message.wrapAndApplyHeader(
                                    frame.buffer(), FrameBuffer.MESSAGE_OFFSET, frame.header())
                            .correlationId(id)
                            .ownerUid(MapImageEncoder.ownerUidNullValue())
                            .ownerGid(MapImageEncoder.ownerGidNullValue())
                            .mode(0600);
                    message.flags().clear();
                    message.spec(IMAGE).name("").options("");
                    return message.encodedLength();
                },
                ImageMappedDecoder.TEMPLATE_ID,
                (message, header) -> true);
    }

    private void close() throws IOException {
        other.close();
        broker.close();
    }

    private static void closeLast() {
        try {
            if (instance != null) {
                instance.close();
                instance = null;
            }
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }

    private static void require(boolean holds, String what) {
        if (!holds) {
            throw new IllegalStateException(what);
        }
    }
}
