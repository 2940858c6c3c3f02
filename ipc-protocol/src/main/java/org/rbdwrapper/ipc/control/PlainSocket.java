package org.rbdwrapper.ipc.control;

import org.rbdwrapper.ipc.Errno;
import org.rbdwrapper.ipc.ErrnoException;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SocketChannel;

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

    @Override
    public long send(MemorySegment bytes) throws ErrnoException {
        try {
            return channel.write(bytes.asByteBuffer());
        } catch (IOException e) {
            throw new ErrnoException(Errno.EPIPE, "request to the broker (" + e.getMessage() + ")");
        }
    }

    @Override
    public long receive(MemorySegment bytes, int[] descriptors) throws ErrnoException {
        try {
            return Math.max(0, channel.read(bytes.asByteBuffer()));
        } catch (IOException e) {
            throw new ErrnoException(
                    Errno.ENOTCONN, "no answer of the broker (" + e.getMessage() + ")");
        }
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
