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
 * Memory that two processes share: a memfd whose size nobody can change any more, mapped by both.
 *
 * <p>Any thread. Numbers are those of Linux' memfd.h, fcntl.h and mman.h on x86_64 and arm64.
 */
public final class SharedMemory {
    private static final int MFD_CLOEXEC = 1;
    private static final int MFD_ALLOW_SEALING = 2;
    private static final int F_ADD_SEALS = 1033;
    private static final int F_GET_SEALS = 1034;
    private static final int F_SEAL_SEAL = 1;
    private static final int F_SEAL_SHRINK = 2;
    private static final int F_SEAL_GROW = 4;
    private static final int F_SEAL_FUTURE_WRITE = 16;
    private static final int SEALS = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW;
    private static final int PROT_READ = 1;
    private static final int PROT_WRITE = 2;
    private static final int MAP_SHARED = 1;
    private static final int MAP_PRIVATE = 2;
    private static final int MAP_ANONYMOUS = 0x20;
    private static final int MAP_NORESERVE = 0x4000;
    private static final int SEEK_END = 2;

    private static final MethodHandle MEMFD_CREATE =
            withErrno("memfd_create", returning(INT, POINTER, INT));
    private static final MethodHandle FCNTL =
            withErrno("fcntl64", returning(INT, INT, INT, INT), Linker.Option.firstVariadicArg(2));
    private static final MethodHandle MMAP =
            withErrno("mmap64", returning(LONG, LONG, LONG, INT, INT, INT, LONG));
    private static final MethodHandle MUNMAP = withErrno("munmap", returning(INT, LONG, LONG));
    private static final MethodHandle LSEEK = withErrno("lseek64", returning(LONG, INT, LONG, INT));

    private SharedMemory() {}

    /**
     * Makes a memfd of this length whose pages are all there (a full memory fails here with ENOSPC
     * or ENOMEM, not later by SIGBUS) and seals its size.
     *
     * @param length bytes, a multiple of the page size.
     */
    public static int createSealed(String name, long length) throws ErrnoException {
        return create(name, length, SEALS);
    }

    private static int create(String name, long length, int seals) throws ErrnoException {
        int fd = create(name);
        try {
            failOn(Fd.ftruncate(fd, length), "ftruncate of shared memory");
            failOn(
                    Fd.fallocate(fd, 0, 0, length),
                    "allocation of " + length + " bytes of shared memory");
            Fd.check(fcntl(fd, F_ADD_SEALS, seals), "sealing of shared memory");
            return fd;
        } catch (ErrnoException e) {
            Fd.close(fd);
            throw e;
        }
    }

    /** From now on it can be mapped for reading only, by whoever has it. Mappings stay. */
    public static void sealAgainstWriters(int fd) throws ErrnoException {
        Fd.check(
                fcntl(fd, F_ADD_SEALS, F_SEAL_FUTURE_WRITE | F_SEAL_SEAL),
                "sealing of shared memory");
    }

    /**
     * As {@link #createSealed}, for {@link #sealAgainstWriters} to follow when it is mapped.
     *
     * @param length bytes, a multiple of the page size.
     */
    public static int createSized(String name, long length) throws ErrnoException {
        return create(name, length, F_SEAL_SHRINK | F_SEAL_GROW);
    }

    /**
     * Checks what came over a socket before it is mapped: memory of exactly this length that cannot
     * shrink.
     *
     * @throws ErrnoException EPROTO where it is anything else.
     */
    public static void checkSealed(int fd, long length) throws ErrnoException {
        int seals = fcntl(fd, F_GET_SEALS, 0);
        if (seals < 0 || (seals & F_SEAL_SHRINK) == 0 || seek(fd, 0, SEEK_END) != length) {
            throw new ErrnoException(
                    Errno.EPROTO,
                    "the broker's shared memory is not sealed or not " + length + " bytes");
        }
    }

    /** Maps it for reading and writing, and returns the address. */
    public static long map(int fd, long length) throws ErrnoException {
        return mmap(length, PROT_READ | PROT_WRITE, MAP_SHARED, fd);
    }

    /**
     * Memory of this process alone; its pages are there once they are touched, and read as zeroes
     * until then.
     */
    public static long mapAnonymous(long length) throws ErrnoException {
        return mmap(
                length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1);
    }

    public static void unmap(long address, long length) throws ErrnoException {
        try {
            Fd.check((int) MUNMAP.invokeExact(capture(), address, length), "munmap");
        } catch (ErrnoException e) {
            throw e;
        } catch (Throwable t) {
            throw unexpected(t);
        }
    }

    private static int create(String name) throws ErrnoException {
        try (Arena arena = Arena.ofConfined()) {
            int fd =
                    (int)
                            MEMFD_CREATE.invokeExact(
                                    capture(),
                                    arena.allocateFrom(name),
                                    MFD_CLOEXEC | MFD_ALLOW_SEALING);
            return Fd.check(fd, "memfd_create");
        } catch (ErrnoException e) {
            throw e;
        } catch (Throwable t) {
            throw unexpected(t);
        }
    }

    private static long mmap(long length, int protection, int flags, int fd) throws ErrnoException {
        try {
            long address =
                    (long) MMAP.invokeExact(capture(), 0L, length, protection, flags, fd, 0L);
            if (address == -1) { // MAP_FAILED; and nothing is allocated where it is mapped
                throw new ErrnoException(NativeCalls.lastErrno(), "mmap of " + length + " bytes");
            }
            return address;
        } catch (ErrnoException e) {
            throw e;
        } catch (Throwable t) {
            throw unexpected(t);
        }
    }

    private static int fcntl(int fd, int command, int argument) {
        try {
            return (int) FCNTL.invokeExact(capture(), fd, command, argument);
        } catch (Throwable t) {
            throw unexpected(t);
        }
    }

    private static long seek(int fd, long offset, int whence) {
        try {
            return (long) LSEEK.invokeExact(capture(), fd, offset, whence);
        } catch (Throwable t) {
            throw unexpected(t);
        }
    }

    private static void failOn(int result, String what) throws ErrnoException {
        if (result < 0) {
            throw new ErrnoException(Errno.of(result), what);
        }
    }
}
