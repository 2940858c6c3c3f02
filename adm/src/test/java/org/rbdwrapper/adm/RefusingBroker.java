package org.rbdwrapper.adm;

import org.agrona.concurrent.UnsafeBuffer;
import org.rbdwrapper.ipc.Errno;
import org.rbdwrapper.ipc.RunDirectories;
import org.rbdwrapper.ipc.codec.ErrorEncoder;
import org.rbdwrapper.ipc.codec.HelloDecoder;
import org.rbdwrapper.ipc.codec.MessageHeaderDecoder;
import org.rbdwrapper.ipc.control.FrameBuffer;

import java.io.DataInputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Answers each Hello with the same error. Do not stop it by a command: its process is the test's.
 */
final class RefusingBroker implements AutoCloseable {
    private final Path path;
    private final ServerSocketChannel listener;
    private final byte[] error;
    private final AtomicInteger refused = new AtomicInteger();

    RefusingBroker(Path runDir, Errno errno, String text) throws IOException {
        path = runDir.resolve(RunDirectories.SOCKET_NAME);
        error = error(errno, text);
        listener = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
        listener.bind(UnixDomainSocketAddress.of(path));
        Thread.ofPlatform().name("refusing broker").start(this::run);
    }

    /** Hellos answered so far. */
    int refused() {
        return refused.get();
    }

    @Override
    public void close() throws IOException {
        listener.close();
        Files.delete(path);
    }

    private void run() {
        while (true) {
            try (SocketChannel client = listener.accept()) {
                DataInputStream in = new DataInputStream(Channels.newInputStream(client));
                byte[] message = in.readNBytes(Integer.reverseBytes(in.readInt()));
                MessageHeaderDecoder header =
                        new MessageHeaderDecoder().wrap(new UnsafeBuffer(message), 0);
                if (header.templateId() == HelloDecoder.TEMPLATE_ID) {
                    refused.incrementAndGet();
                    client.write(ByteBuffer.wrap(error));
                }
            } catch (ClosedChannelException e) {
                return;
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }

    private static byte[] error(Errno errno, String text) {
        FrameBuffer frame = new FrameBuffer();
        ErrorEncoder message = new ErrorEncoder();
        message.wrapAndApplyHeader(frame.buffer(), FrameBuffer.MESSAGE_OFFSET, frame.header())
                .correlationId(0)
                .errno(errno.number())
                .text(text);
        return frame.finish(message.encodedLength()).toBytes();
    }
}
