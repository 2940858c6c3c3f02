package org.rbdwrapper.ipc.control;

import org.rbdwrapper.ipc.Errno;
import org.rbdwrapper.ipc.ErrnoException;
import org.rbdwrapper.ipc.posix.Fd;
import org.rbdwrapper.ipc.posix.UnixSocket;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** A socket over which descriptors come: those of a session with channels. */
final class DescriptorSocket implements ControlSocket {
    private final int socket;

    DescriptorSocket(int socket) {
        this.socket = socket;
    }

    @Override
    public int send(byte[] bytes, int offset, int length) throws ErrnoException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment copy = arena.allocate(length);
            MemorySegment.copy(bytes, offset, copy, ValueLayout.JAVA_BYTE, 0, length);
            return check(UnixSocket.send(socket, copy), "request to the broker");
        }
    }

    @Override
    public int receive(byte[] bytes, int[] descriptors) throws ErrnoException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment received = arena.allocate(bytes.length);
            long result =
                    descriptors.length > 0
                            ? UnixSocket.receiveWithDescriptors(socket, received, descriptors)
                            : UnixSocket.receive(socket, received, true);
            if (result == -Errno.EAGAIN.number()) { // of UnixSocket.receiveTimeout
                throw new ErrnoException(
                        Errno.ETIMEDOUT,
                        "no answer of the broker: its process is stopped, or the host is"
                                + " overloaded");
            }
            int n = check(result, "no answer of the broker");
            MemorySegment.copy(received, ValueLayout.JAVA_BYTE, 0, bytes, 0, n);
            return n;
        }
    }

    @Override
    public void hangUp() throws ErrnoException {
        UnixSocket.hangUp(socket);
    }

    @Override
    public void close() throws ErrnoException {
        Fd.close(socket);
    }

    int number() {
        return socket;
    }

    private static int check(long n, String what) throws ErrnoException {
        if (n < 0) {
            throw new ErrnoException(Errno.of((int) n), what);
        }
        return (int) n;
    }
}
