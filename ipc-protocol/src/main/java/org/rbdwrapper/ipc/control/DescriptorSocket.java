package org.rbdwrapper.ipc.control;

import org.rbdwrapper.ipc.Errno;
import org.rbdwrapper.ipc.ErrnoException;
import org.rbdwrapper.ipc.posix.Fd;
import org.rbdwrapper.ipc.posix.UnixSocket;

import java.lang.foreign.MemorySegment;

/** A socket over which descriptors come: those of a session with channels. */
final class DescriptorSocket implements ControlSocket {
    private final int socket;

    DescriptorSocket(int socket) {
        this.socket = socket;
    }

    @Override
    public long send(MemorySegment bytes) throws ErrnoException {
        return check(UnixSocket.send(socket, bytes), "request to the broker");
    }

    @Override
    public long receive(MemorySegment bytes, int[] descriptors) throws ErrnoException {
        return check(
                descriptors.length > 0
                        ? UnixSocket.receiveWithDescriptors(socket, bytes, descriptors)
                        : UnixSocket.receive(socket, bytes, true),
                "no answer of the broker");
    }

    @Override
    public void close() throws ErrnoException {
        Fd.close(socket);
    }

    int number() {
        return socket;
    }

    private static long check(long n, String what) throws ErrnoException {
        if (n < 0) {
            throw new ErrnoException(Errno.of((int) n), what);
        }
        return n;
    }
}
