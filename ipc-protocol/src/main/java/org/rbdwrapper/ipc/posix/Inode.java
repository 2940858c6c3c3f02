package org.rbdwrapper.ipc.posix;

import static org.rbdwrapper.ipc.posix.NativeCalls.INT;
import static org.rbdwrapper.ipc.posix.NativeCalls.LONG;
import static org.rbdwrapper.ipc.posix.NativeCalls.POINTER;
import static org.rbdwrapper.ipc.posix.NativeCalls.capture;
import static org.rbdwrapper.ipc.posix.NativeCalls.returning;
import static org.rbdwrapper.ipc.posix.NativeCalls.unexpected;
import static org.rbdwrapper.ipc.posix.NativeCalls.withErrno;

import org.rbdwrapper.ipc.ErrnoException;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/**
 * Which file a descriptor leads to, as the kernel tells it, statx(2).
 *
 * @param device of its file system.
 * @param number within that; a file system may give it to another file when this one is gone.
 * @param changedNanos since 1970, when owner, mode, links or contents last changed: tells a file
 *     from one that has had the same number.
 */
public record Inode(long device, long number, long changedNanos) {
    private static final int AT_EMPTY_PATH = 0x1000;
    private static final int STATX_BASIC_STATS = 0x7ff;

    // struct statx, the same on all architectures: ino at 32, ctime (seconds, then nanoseconds) at
    // 96, dev_major at 136, dev_minor at 140; 256 bytes
    private static final int STATX_LENGTH = 256;
    private static final int INO = 32;
    private static final int CTIME = 96;
    private static final int DEV_MAJOR = 136;
    private static final int DEV_MINOR = 140;

    private static final MethodHandle STATX =
            withErrno("statx", returning(INT, INT, POINTER, INT, INT, POINTER));

    /** Any thread. */
    public static Inode of(int fd) throws ErrnoException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment status = arena.allocate(STATX_LENGTH, 8);
            Fd.check(
                    (int)
                            STATX.invokeExact(
                                    capture(),
                                    fd,
                                    arena.allocateFrom(""),
                                    AT_EMPTY_PATH,
                                    STATX_BASIC_STATS,
                                    status),
                    "statx");
            return new Inode(
                    Integer.toUnsignedLong(status.get(INT, DEV_MAJOR)) << 32
                            | Integer.toUnsignedLong(status.get(INT, DEV_MINOR)),
                    status.get(LONG, INO),
                    status.get(LONG, CTIME) * 1_000_000_000L + status.get(INT, CTIME + 8));
        } catch (ErrnoException e) {
            throw e;
        } catch (Throwable t) {
            throw unexpected(t);
        }
    }
}
