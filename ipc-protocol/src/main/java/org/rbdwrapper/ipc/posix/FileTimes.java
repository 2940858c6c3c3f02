package org.rbdwrapper.ipc.posix;

import static org.rbdwrapper.ipc.posix.NativeCalls.INT;
import static org.rbdwrapper.ipc.posix.NativeCalls.LONG;
import static org.rbdwrapper.ipc.posix.NativeCalls.POINTER;
import static org.rbdwrapper.ipc.posix.NativeCalls.capture;
import static org.rbdwrapper.ipc.posix.NativeCalls.plain;
import static org.rbdwrapper.ipc.posix.NativeCalls.returning;
import static org.rbdwrapper.ipc.posix.NativeCalls.unexpected;
import static org.rbdwrapper.ipc.posix.NativeCalls.withErrno;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import org.rbdwrapper.ipc.ErrnoException;

import java.lang.foreign.Arena;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/**
 * The times of a file, and the clock that the kernel takes them from. Any thread.
 *
 * @param accessed nanoseconds since the epoch, as the others.
 * @param modified of its bytes.
 * @param changed of its bytes or its description.
 */
public record FileTimes(long accessed, long modified, long changed) {
    /** As a time to be set: what the clock says then. */
    public static final long NOW = Long.MIN_VALUE + 1;

    /** As a time to be set: what it was before. */
    public static final long OMIT = Long.MIN_VALUE + 2;

    private static final long SECOND = 1_000_000_000L;
    private static final int CLOCK_REALTIME_COARSE = 5;

    // of struct stat, on x86_64 and arm64 alike
    private static final int STAT_LENGTH = 144;
    private static final int ACCESSED = 72;
    private static final int MODIFIED = 88;
    private static final int CHANGED = 104;

    // of struct timespec's nanoseconds, where futimens(3) is asked for no time
    private static final long UTIME_NOW = (1 << 30) - 1;
    private static final long UTIME_OMIT = (1 << 30) - 2;

    private static final MethodHandle FSTAT = withErrno("fstat", returning(INT, INT, POINTER));
    private static final MethodHandle FUTIMENS =
            withErrno("futimens", returning(INT, INT, POINTER));
    private static final MethodHandle CLOCK_GETTIME =
            plain("clock_gettime", returning(INT, INT, LONG), Linker.Option.critical(false));
    private static final ThreadLocal<MemorySegment> TIMESPEC =
            ThreadLocal.withInitial(() -> Arena.ofAuto().allocate(JAVA_LONG, 2));

    /** Of an open file. */
    public static FileTimes of(int fd) throws ErrnoException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment stat = arena.allocate(STAT_LENGTH, Long.BYTES);
            Fd.check((int) FSTAT.invokeExact(capture(), fd, stat), "fstat");
            return new FileTimes(
                    timespec(stat, ACCESSED), timespec(stat, MODIFIED), timespec(stat, CHANGED));
        } catch (ErrnoException e) {
            throw e;
        } catch (Throwable t) {
            throw unexpected(t);
        }
    }

    /**
     * futimens(3): the time of change becomes now.
     *
     * @param accessed nanoseconds since the epoch, {@link #NOW} or {@link #OMIT}; as modified.
     */
    public static void set(int fd, long accessed, long modified) throws ErrnoException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment times = arena.allocate(JAVA_LONG, 4);
            put(times, 0, accessed);
            put(times, 2, modified);
            Fd.check((int) FUTIMENS.invokeExact(capture(), fd, times), "futimens");
        } catch (ErrnoException e) {
            throw e;
        } catch (Throwable t) {
            throw unexpected(t);
        }
    }

    /**
     * What the kernel would write on a file that is changed now: nanoseconds since the epoch, in
     * steps of some milliseconds. A finer clock is ahead of this one, so that what it stamped would
     * seem newer than a file that was changed afterwards. Hot path: no system call, no allocation
     * but a thread's first.
     */
    public static long now() {
        MemorySegment out = TIMESPEC.get();
        try {
            int _ = (int) CLOCK_GETTIME.invokeExact(CLOCK_REALTIME_COARSE, out.address());
        } catch (Throwable t) {
            throw unexpected(t);
        }
        return timespec(out, 0);
    }

    private static long timespec(MemorySegment from, long offset) {
        long seconds = from.get(JAVA_LONG, offset);
        long most = Long.MAX_VALUE / SECOND - 1; // the year 2262
        return Math.clamp(seconds, -most, most) * SECOND + from.get(JAVA_LONG, offset + Long.BYTES);
    }

    private static void put(MemorySegment times, int index, long time) {
        long nanos = Math.floorMod(time, SECOND);
        if (time == NOW || time == OMIT) {
            nanos = time == NOW ? UTIME_NOW : UTIME_OMIT;
        }
        times.setAtIndex(JAVA_LONG, index, Math.floorDiv(time, SECOND));
        times.setAtIndex(JAVA_LONG, index + 1, nanos);
    }
}
