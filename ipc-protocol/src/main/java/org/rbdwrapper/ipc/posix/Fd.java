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
import java.lang.foreign.Linker;
import java.lang.invoke.MethodHandle;

/**
 * File descriptors and the data of files, by address instead of by ByteBuffer, so that a store
 * moves data straight from and into an arena and keeps the errno.
 *
 * <p>Any thread. {@link #pread} and {@link #pwrite} allocate nothing and return a negative errno
 * instead of throwing. Constants are those of Linux on x86_64 and arm64 (asm-generic).
 */
public final class Fd {
    public static final int O_RDONLY = 0;
    public static final int O_WRONLY = 1;
    public static final int O_RDWR = 2;
    public static final int O_CREAT = 0100;
    public static final int O_EXCL = 0200;
    public static final int O_APPEND = 02000;
    public static final int O_CLOEXEC = 02000000;
    public static final int O_PATH = 010000000;

    /** ELOOP where the last name of the path is a link's. */
    public static final int O_NOFOLLOW =
            System.getProperty("os.arch").equals("aarch64") ? 0100000 : 0400000;

    public static final int FALLOC_FL_KEEP_SIZE = 1;
    public static final int FALLOC_FL_PUNCH_HOLE = 2;
    public static final int FALLOC_FL_ZERO_RANGE = 16;

    private static final Linker.Option VARIADIC_FROM_2 = Linker.Option.firstVariadicArg(2);
    private static final MethodHandle OPEN =
            withErrno("open", returning(INT, POINTER, INT, INT), VARIADIC_FROM_2);
    private static final MethodHandle MKFIFO = withErrno("mkfifo", returning(INT, POINTER, INT));
    private static final MethodHandle CLOSE = withErrno("close", returning(INT, INT));
    private static final MethodHandle READ = withErrno("read", returning(LONG, INT, LONG, LONG));
    private static final MethodHandle PREAD =
            withErrno("pread64", returning(LONG, INT, LONG, LONG, LONG));
    private static final MethodHandle PWRITE =
            withErrno("pwrite64", returning(LONG, INT, LONG, LONG, LONG));
    private static final MethodHandle FDATASYNC = withErrno("fdatasync", returning(INT, INT));
    private static final MethodHandle FSYNC = withErrno("fsync", returning(INT, INT));
    private static final MethodHandle FALLOCATE =
            withErrno("fallocate64", returning(INT, INT, INT, LONG, LONG));
    private static final MethodHandle FTRUNCATE =
            withErrno("ftruncate64", returning(INT, INT, LONG));

    private static final int LOCK_EX = 2;
    private static final int LOCK_NB = 4;
    private static final MethodHandle FLOCK = withErrno("flock", returning(INT, INT, INT));
    private static final MethodHandle DUP2 = withErrno("dup2", returning(INT, INT, INT));

    private Fd() {}

    /** From now on these descriptors write to the end of a file. */
    public static void redirect(String path, int... descriptors) throws ErrnoException {
        int fd = open(path, O_WRONLY | O_CREAT | O_APPEND, 0600);
        try {
            for (int descriptor : descriptors) {
                check((int) DUP2.invokeExact(capture(), fd, descriptor), "dup2");
            }
        } catch (ErrnoException e) {
            throw e;
        } catch (Throwable t) {
            throw unexpected(t);
        } finally {
            close(fd);
        }
    }

    /** open(2), with O_CLOEXEC added. */
    public static int open(String path, int flags, int mode) throws ErrnoException {
        try (Arena arena = Arena.ofConfined()) {
            int fd;
            do {
                fd =
                        (int)
                                OPEN.invokeExact(
                                        capture(),
                                        arena.allocateFrom(path),
                                        flags | O_CLOEXEC,
                                        mode);
            } while (fd < 0 && NativeCalls.lastErrno().equals(Errno.EINTR));
            if (fd < 0) {
                throw new ErrnoException(NativeCalls.lastErrno(), "open " + path);
            }
            return fd;
        } catch (ErrnoException e) {
            throw e;
        } catch (Throwable t) {
            throw unexpected(t);
        }
    }

    /** mkfifo(3). */
    public static void makePipe(String path, int mode) throws ErrnoException {
        try (Arena arena = Arena.ofConfined()) {
            check((int) MKFIFO.invokeExact(capture(), arena.allocateFrom(path), mode), "mkfifo");
        } catch (ErrnoException e) {
            throw e;
        } catch (Throwable t) {
            throw unexpected(t);
        }
    }

    /** close(2); the descriptor is gone also where an error is thrown. */
    public static void close(int fd) throws ErrnoException {
        check(callInt(CLOSE, fd), "close");
    }

    /** read(2): bytes read, or a negative errno. Not restarted after EINTR. */
    public static long read(int fd, long address, long length) {
        try {
            long n = (long) READ.invokeExact(capture(), fd, address, length);
            return n < 0 ? -NativeCalls.lastErrnoNumber() : n;
        } catch (Throwable t) {
            throw unexpected(t);
        }
    }

    /** pread(2): bytes read, or a negative errno. Not restarted after EINTR. */
    public static long pread(int fd, long address, long length, long position) {
        try {
            long n = (long) PREAD.invokeExact(capture(), fd, address, length, position);
            return n < 0 ? -NativeCalls.lastErrnoNumber() : n;
        } catch (Throwable t) {
            throw unexpected(t);
        }
    }

    /** pwrite(2): bytes written, or a negative errno. Not restarted after EINTR. */
    public static long pwrite(int fd, long address, long length, long position) {
        try {
            long n = (long) PWRITE.invokeExact(capture(), fd, address, length, position);
            return n < 0 ? -NativeCalls.lastErrnoNumber() : n;
        } catch (Throwable t) {
            throw unexpected(t);
        }
    }

    /** fdatasync(2): 0, or a negative errno. */
    public static int fdatasync(int fd) {
        return negativeErrno(callInt(FDATASYNC, fd));
    }

    /** fsync(2): 0, or a negative errno. */
    public static int fsync(int fd) {
        return negativeErrno(callInt(FSYNC, fd));
    }

    /** fallocate(2): 0, or a negative errno. */
    public static int fallocate(int fd, int mode, long position, long length) {
        try {
            int result;
            do {
                result =
                        negativeErrno(
                                (int) FALLOCATE.invokeExact(capture(), fd, mode, position, length));
            } while (result == -Errno.EINTR.number());
            return result;
        } catch (Throwable t) {
            throw unexpected(t);
        }
    }

    /** ftruncate(2): 0, or a negative errno. */
    public static int ftruncate(int fd, long length) {
        try {
            return negativeErrno((int) FTRUNCATE.invokeExact(capture(), fd, length));
        } catch (Throwable t) {
            throw unexpected(t);
        }
    }

    /**
     * flock(2), exclusive and without waiting: 0, or a negative errno, -EAGAIN where another
     * description of the file has it. Ends when the last descriptor of this description is closed.
     */
    public static int tryLock(int fd) {
        try {
            return negativeErrno((int) FLOCK.invokeExact(capture(), fd, LOCK_EX | LOCK_NB));
        } catch (Throwable t) {
            throw unexpected(t);
        }
    }

    private static int callInt(MethodHandle handle, int fd) {
        try {
            return (int) handle.invokeExact(capture(), fd);
        } catch (Throwable t) {
            throw unexpected(t);
        }
    }

    private static int negativeErrno(int result) {
        return result < 0 ? -NativeCalls.lastErrnoNumber() : result;
    }

    static int check(int result, String call) throws ErrnoException {
        if (result < 0) {
            throw new ErrnoException(NativeCalls.lastErrno(), call);
        }
        return result;
    }

    static long check(long result, String call) throws ErrnoException {
        if (result < 0) {
            throw new ErrnoException(NativeCalls.lastErrno(), call);
        }
        return result;
    }
}
