package org.rbdwrapper.ipc.control;

import jdk.net.ExtendedSocketOptions;

import org.rbdwrapper.ipc.Errno;
import org.rbdwrapper.ipc.ErrnoException;

import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.file.attribute.UserPrincipal;

/**
 * A socket over which no descriptors come: by the JDK's own channel, since a short command would
 * spend most of its time on making handles for system calls.
 */
final class PlainSocket implements ControlSocket {
    private final SocketChannel channel;

    private PlainSocket(SocketChannel channel) {
        this.channel = channel;
    }

    /**
     * @throws IOException whose text alone says why.
     */
    static PlainSocket connect(String path) throws IOException {
        return new PlainSocket(SocketChannel.open(UnixDomainSocketAddress.of(path)));
    }

    /** The server's user, as the kernel saw it when it began to listen. */
    UserPrincipal peer() throws IOException {
        return channel.getOption(ExtendedSocketOptions.SO_PEERCRED).user();
    }

    @Override
    public int send(byte[] bytes, int offset, int length) throws ErrnoException {
        try {
            return channel.write(ByteBuffer.wrap(bytes, offset, length));
        } catch (IOException e) {
            throw new ErrnoException(Errno.EPIPE, "request to the broker (" + e.getMessage() + ")");
        }
    }

    @Override
    public int receive(byte[] bytes, int[] descriptors) throws ErrnoException {
        try {
            return Math.max(0, channel.read(ByteBuffer.wrap(bytes)));
        } catch (IOException e) {
            throw new ErrnoException(
                    Errno.ENOTCONN, "no answer of the broker (" + e.getMessage() + ")");
        }
    }

    @Override
    public void hangUp() throws ErrnoException {
        close(); // once more does nothing
    }

    @Override
    public void close() throws ErrnoException {
        try {
            channel.close();
        } catch (IOException e) {
            throw new ErrnoException(Errno.EIO, "close of the socket", e);
        }
    }
}
