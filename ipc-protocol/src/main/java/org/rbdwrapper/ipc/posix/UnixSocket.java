package org.rbdwrapper.ipc.posix;

import static org.rbdwrapper.ipc.posix.NativeCalls.INT;
import static org.rbdwrapper.ipc.posix.NativeCalls.LONG;
import static org.rbdwrapper.ipc.posix.NativeCalls.POINTER;
import static org.rbdwrapper.ipc.posix.NativeCalls.capture;
import static org.rbdwrapper.ipc.posix.NativeCalls.returning;
import static org.rbdwrapper.ipc.posix.NativeCalls.unexpected;
import static org.rbdwrapper.ipc.posix.NativeCalls.withErrno;

import org.rbdwrapper.ipc.Errno;
import org.rbdwrapper.ipc.ErrnoException;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.nio.charset.StandardCharsets;
import java.util.HashSet;
import java.util.Set;

/**
 * Unix stream sockets with the credentials of the peer and with descriptors that travel along,
 * unix(7).
 *
 * <p>Through FFM and not through a library: the JDK's own can do neither, and the libraries that
 * can unpack a native one into the temporary folder at each start, which a short command pays for
 * and a folder mounted noexec forbids.
 *
 * <p>Any thread; a socket is read by one thread at a time and written by one at a time.
 */
public final class UnixSocket {
    /** The longest path of a socket in bytes: sockaddr_un's 108 less its terminating zero. */
    public static final int MAX_PATH_BYTES = 107;

    private static final int AF_UNIX = 1;
    private static final int SHUT_RDWR = 2;
    private static final int SOCK_STREAM = 1;
    private static final int SOCK_CLOEXEC = 02000000;
    private static final int SOCK_NONBLOCK = 04000;
    private static final int SOL_SOCKET = 1;
    private static final int SO_PEERCRED = 17;
    private static final int SO_RCVTIMEO = 20;
    private static final int SO_PEERGROUPS = 59;
    private static final int MAX_GROUPS = 65_536; // NGROUPS_MAX
    private static final int SCM_RIGHTS = 1;
    private static final int MSG_DONTWAIT = 0x40;
    private static final int MSG_NOSIGNAL = 0x4000;
    private static final int MSG_CMSG_CLOEXEC = 0x40000000;
    private static final int POLLRDHUP = 0x2000;

    // struct msghdr: name 0, namelen 8, iov 16, iovlen 24, control 32, controllen 40, flags 48; 56
    // bytes
    // struct cmsghdr: len 0, level 8, type 12; data from 16
    private static final int MSGHDR_LENGTH = 56;
    private static final int CMSG_DATA = 16;

    private static final MethodHandle SOCKET = withErrno("socket", returning(INT, INT, INT, INT));
    private static final MethodHandle BIND = withErrno("bind", returning(INT, INT, POINTER, INT));
    private static final MethodHandle LISTEN = withErrno("listen", returning(INT, INT, INT));
    private static final MethodHandle ACCEPT4 =
            withErrno("accept4", returning(INT, INT, LONG, LONG, INT));
    private static final MethodHandle CONNECT =
            withErrno("connect", returning(INT, INT, POINTER, INT));
    private static final MethodHandle GETSOCKOPT =
            withErrno("getsockopt", returning(INT, INT, INT, INT, POINTER, POINTER));
    private static final MethodHandle SETSOCKOPT =
            withErrno("setsockopt", returning(INT, INT, INT, INT, POINTER, INT));
    private static final MethodHandle SEND =
            withErrno("send", returning(LONG, INT, POINTER, LONG, INT));
    private static final MethodHandle RECV =
            withErrno("recv", returning(LONG, INT, POINTER, LONG, INT));
    private static final MethodHandle SENDMSG =
            withErrno("sendmsg", returning(LONG, INT, POINTER, INT));
    private static final MethodHandle RECVMSG =
            withErrno("recvmsg", returning(LONG, INT, POINTER, INT));
    private static final MethodHandle SHUTDOWN = withErrno("shutdown", returning(INT, INT, INT));
    private static final MethodHandle POLL = withErrno("poll", returning(INT, POINTER, LONG, INT));

    private UnixSocket() {}

    /** Who is at the other end, as the kernel saw it when it connected. */
    public record Peer(int pid, int uid, int gid) {}

    /** A listening socket, close-on-exec and non-blocking. */
    public static int listen(String path, int backlog) throws ErrnoException {
        int fd = socket(SOCK_NONBLOCK);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment address = address(arena, path);
            Fd.check(
                    (int) BIND.invokeExact(capture(), fd, address, (int) address.byteSize()),
                    "bind " + path);
            Fd.check((int) LISTEN.invokeExact(capture(), fd, backlog), "listen on " + path);
            return fd;
        } catch (ErrnoException e) {
            Fd.close(fd);
            throw e;
        } catch (Throwable t) {
            throw unexpected(t);
        }
    }

    /** A name in the file system that is a socket's, behind which nobody listens. */
    public static void makeName(String path) throws ErrnoException {
        int fd = socket(0);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment address = address(arena, path);
            Fd.check(
                    (int) BIND.invokeExact(capture(), fd, address, (int) address.byteSize()),
                    "bind " + path);
        } catch (ErrnoException e) {
            throw e;
        } catch (Throwable t) {
            throw unexpected(t);
        } finally {
            Fd.close(fd);
        }
    }

    /**
     * The next connection, close-on-exec and non-blocking.
     *
     * @return -1 where there is none.
     * @throws ErrnoException EMFILE, ENFILE, ENOBUFS, ENOMEM: the connection still waits.
     */
    public static int accept(int listener) throws ErrnoException {
        try {
            int fd =
                    (int)
                            ACCEPT4.invokeExact(
                                    capture(), listener, 0L, 0L, SOCK_CLOEXEC | SOCK_NONBLOCK);
            if (fd >= 0) {
                return fd;
            }
            Errno errno = NativeCalls.lastErrno();
            if (errno.equals(Errno.EAGAIN)
                    || errno.equals(Errno.EINTR)
                    || errno.symbol().equals("ECONNABORTED")) {
                return -1;
            }
            throw new ErrnoException(errno, "accept");
        } catch (ErrnoException e) {
            throw e;
        } catch (Throwable t) {
            throw unexpected(t);
        }
    }

    /** A connected socket, blocking. */
    public static int connect(String path) throws ErrnoException {
        int fd = socket(0);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment address = address(arena, path);
            Fd.check(
                    (int) CONNECT.invokeExact(capture(), fd, address, (int) address.byteSize()),
                    "connect to " + path);
            return fd;
        } catch (ErrnoException e) {
            Fd.close(fd);
            throw e;
        } catch (OutOfMemoryError e) {
            Fd.close(fd);
            throw e;
        } catch (Throwable t) {
            throw unexpected(t);
        }
    }

    public static Peer peer(int fd) throws ErrnoException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment credentials = arena.allocate(INT, 3);
            MemorySegment length = arena.allocateFrom(INT, 12);
            Fd.check(
                    (int)
                            GETSOCKOPT.invokeExact(
                                    capture(), fd, SOL_SOCKET, SO_PEERCRED, credentials, length),
                    "getsockopt SO_PEERCRED");
            return new Peer(
                    credentials.getAtIndex(INT, 0),
                    credentials.getAtIndex(INT, 1),
                    credentials.getAtIndex(INT, 2));
        } catch (ErrnoException e) {
            throw e;
        } catch (Throwable t) {
            throw unexpected(t);
        }
    }

    /** The supplementary groups of who is at the other end, and its group. */
    public static Set<Integer> peerGroups(int fd) throws ErrnoException {
        Set<Integer> groups = new HashSet<>();
        groups.add(peer(fd).gid());
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment gids = arena.allocate(INT, MAX_GROUPS);
            MemorySegment length = arena.allocateFrom(INT, (int) gids.byteSize());
            Fd.check(
                    (int)
                            GETSOCKOPT.invokeExact(
                                    capture(), fd, SOL_SOCKET, SO_PEERGROUPS, gids, length),
                    "getsockopt SO_PEERGROUPS");
            for (int i = 0; i < length.get(INT, 0) / 4; i++) {
                groups.add(gids.getAtIndex(INT, i));
            }
            return groups;
        } catch (ErrnoException e) {
            throw e;
        } catch (Throwable t) {
            throw unexpected(t);
        }
    }

    /**
     * From now on a {@link #receive} that waits longer fails with EAGAIN; 0: waits without limit.
     */
    public static void receiveTimeout(int fd, long nanos) throws ErrnoException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment timeval = arena.allocate(LONG, 2);
            timeval.setAtIndex(LONG, 0, nanos / 1_000_000_000L);
            timeval.setAtIndex(LONG, 1, nanos % 1_000_000_000L / 1000);
            Fd.check(
                    (int)
                            SETSOCKOPT.invokeExact(
                                    capture(), fd, SOL_SOCKET, SO_RCVTIMEO, timeval, 16),
                    "setsockopt");
        } catch (ErrnoException e) {
            throw e;
        } catch (Throwable t) {
            throw unexpected(t);
        }
    }

    /**
     * send(2) without SIGPIPE: bytes taken, or a negative errno (-EAGAIN where the socket is full).
     */
    public static long send(int fd, MemorySegment bytes) {
        try {
            long n;
            do {
                n = (long) SEND.invokeExact(capture(), fd, bytes, bytes.byteSize(), MSG_NOSIGNAL);
            } while (n < 0 && NativeCalls.lastErrnoNumber() == Errno.EINTR.number());
            return n < 0 ? -NativeCalls.lastErrnoNumber() : n;
        } catch (Throwable t) {
            throw unexpected(t);
        }
    }

    /**
     * recv(2): bytes, 0 at the end of the stream, or a negative errno.
     *
     * @param wait false: -EAGAIN where nothing is there.
     */
    public static long receive(int fd, MemorySegment into, boolean wait) {
        try {
            long n;
            do {
                n =
                        (long)
                                RECV.invokeExact(
                                        capture(),
                                        fd,
                                        into,
                                        into.byteSize(),
                                        wait ? 0 : MSG_DONTWAIT);
            } while (n < 0 && NativeCalls.lastErrnoNumber() == Errno.EINTR.number());
            return n < 0 ? -NativeCalls.lastErrnoNumber() : n;
        } catch (Throwable t) {
            throw unexpected(t);
        }
    }

    /**
     * Sends bytes and, along with the first of them, descriptors: bytes taken, or a negative errno.
     */
    public static long sendWithDescriptors(int fd, MemorySegment bytes, int... descriptors) {
        try (Arena arena = Arena.ofConfined()) {
            int controlLength = CMSG_DATA + align8(4 * descriptors.length);
            MemorySegment control = arena.allocate(controlLength, 8);
            control.set(LONG, 0, CMSG_DATA + 4L * descriptors.length);
            control.set(INT, 8, SOL_SOCKET);
            control.set(INT, 12, SCM_RIGHTS);
            for (int i = 0; i < descriptors.length; i++) {
                control.set(INT, CMSG_DATA + 4L * i, descriptors[i]);
            }
            MemorySegment header = messageHeader(arena, bytes, control);
            long n = (long) SENDMSG.invokeExact(capture(), fd, header, MSG_NOSIGNAL);
            return n < 0 ? -NativeCalls.lastErrnoNumber() : n;
        } catch (Throwable t) {
            throw unexpected(t);
        }
    }

    /** As {@link #receiveWithDescriptors(int, MemorySegment, int[], boolean)}, and waits. */
    public static long receiveWithDescriptors(int fd, MemorySegment into, int[] descriptors) {
        return receiveWithDescriptors(fd, into, descriptors, true);
    }

    /**
     * Receives bytes and the descriptors that came along, close-on-exec. No bytes that were sent
     * after those of the descriptors come with them.
     *
     * @param descriptors filled from the start; the rest becomes -1. What does not fit is closed.
     * @param wait false: -EAGAIN where nothing is there.
     * @return bytes, 0 at the end of the stream, or a negative errno.
     */
    public static long receiveWithDescriptors(
            int fd, MemorySegment into, int[] descriptors, boolean wait) {
        int flags = MSG_CMSG_CLOEXEC | (wait ? 0 : MSG_DONTWAIT);
        try (Arena arena = Arena.ofConfined()) {
            java.util.Arrays.fill(descriptors, -1);
            MemorySegment control = arena.allocate(CMSG_DATA + align8(4 * descriptors.length), 8);
            MemorySegment header = messageHeader(arena, into, control);
            long n;
            do {
                n = (long) RECVMSG.invokeExact(capture(), fd, header, flags);
            } while (n < 0 && NativeCalls.lastErrnoNumber() == Errno.EINTR.number());
            if (n < 0) {
                return -NativeCalls.lastErrnoNumber();
            }
            long length = control.get(LONG, 0);
            if (header.get(LONG, 40) >= CMSG_DATA
                    && control.get(INT, 8) == SOL_SOCKET
                    && control.get(INT, 12) == SCM_RIGHTS) {
                for (int i = 0; i < descriptors.length && CMSG_DATA + 4L * (i + 1) <= length; i++) {
                    descriptors[i] = control.get(INT, CMSG_DATA + 4L * i);
                }
            }
            return n;
        } catch (Throwable t) {
            throw unexpected(t);
        }
    }

    /**
     * Sleeps until the other end is gone, without reading what it has sent.
     *
     * @param timeoutMillis -1: no limit.
     * @return true if it is gone.
     */
    public static boolean awaitHangup(int fd, int timeoutMillis) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment pollfd = arena.allocate(8, 4);
            pollfd.set(INT, 0, fd);
            pollfd.set(ValueLayout.JAVA_SHORT, 4, (short) POLLRDHUP);
            int n = (int) POLL.invokeExact(capture(), pollfd, 1L, timeoutMillis);
            return n > 0;
        } catch (Throwable t) {
            throw unexpected(t);
        }
    }

    /**
     * Ends the connection in both directions, before it is closed: whoever waits here for its end
     * returns, which a close would not bring about.
     */
    public static void hangUp(int fd) throws ErrnoException {
        try {
            Fd.check((int) SHUTDOWN.invokeExact(capture(), fd, SHUT_RDWR), "shutdown");
        } catch (ErrnoException e) {
            throw e;
        } catch (Throwable t) {
            throw unexpected(t);
        }
    }

    private static int socket(int flags) throws ErrnoException {
        try {
            return Fd.check(
                    (int)
                            SOCKET.invokeExact(
                                    capture(), AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | flags, 0),
                    "socket");
        } catch (ErrnoException e) {
            throw e;
        } catch (Throwable t) {
            throw unexpected(t);
        }
    }

    private static MemorySegment address(Arena arena, String path) throws ErrnoException {
        byte[] bytes = path.getBytes(StandardCharsets.UTF_8);
        if (bytes.length > MAX_PATH_BYTES) {
            throw new ErrnoException(
                    Errno.ENAMETOOLONG,
                    "socket path "
                            + path
                            + " has "
                            + bytes.length
                            + " bytes, a socket's may have "
                            + MAX_PATH_BYTES
                            + ": choose a shorter RBDW_RUN_DIR");
        }
        MemorySegment address = arena.allocate(2 + bytes.length + 1L, 2);
        address.set(ValueLayout.JAVA_SHORT, 0, (short) AF_UNIX);
        MemorySegment.copy(bytes, 0, address, ValueLayout.JAVA_BYTE, 2, bytes.length);
        return address;
    }

    private static MemorySegment messageHeader(
            Arena arena, MemorySegment bytes, MemorySegment control) {
        MemorySegment vector = arena.allocate(LONG, 2);
        vector.setAtIndex(LONG, 0, bytes.address());
        vector.setAtIndex(LONG, 1, bytes.byteSize());
        MemorySegment header = arena.allocate(MSGHDR_LENGTH, 8);
        header.set(LONG, 16, vector.address());
        header.set(LONG, 24, 1);
        header.set(LONG, 32, control.address());
        header.set(LONG, 40, control.byteSize());
        return header;
    }

    private static int align8(int length) {
        return (length + 7) & ~7;
    }
}
