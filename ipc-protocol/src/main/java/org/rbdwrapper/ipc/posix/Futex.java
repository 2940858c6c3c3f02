package org.rbdwrapper.ipc.posix;

import static org.rbdwrapper.ipc.posix.NativeCalls.INT;
import static org.rbdwrapper.ipc.posix.NativeCalls.LONG;
import static org.rbdwrapper.ipc.posix.NativeCalls.plain;
import static org.rbdwrapper.ipc.posix.NativeCalls.returning;
import static org.rbdwrapper.ipc.posix.NativeCalls.unexpected;

import java.lang.foreign.Arena;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.util.Locale;

/**
 * Sleeping on a 32-bit word of shared memory, futex(2).
 *
 * <p>Any thread; allocates nothing. Not the private kind: waiter and waker are different processes.
 */
public final class Futex {
    private static final long SYS_FUTEX = systemCallNumber();
    private static final int FUTEX_WAIT = 0;
    private static final int FUTEX_WAKE = 1;

    private static final MethodHandle SYSCALL =
            plain(
                    "syscall",
                    returning(LONG, LONG, LONG, INT, INT, LONG, LONG, INT),
                    Linker.Option.firstVariadicArg(1));
    private static final ThreadLocal<MemorySegment> TIMESPEC =
            ThreadLocal.withInitial(() -> Arena.ofAuto().allocate(LONG, 2));

    private Futex() {}

    /**
     * Sleeps while the word has this value, until woken. May return early: the caller looks at its
     * condition again.
     *
     * @param timeoutNanos how long at most; 0 or less: no limit.
     */
    public static void await(long address, int value, long timeoutNanos) {
        long timespec = 0;
        if (timeoutNanos > 0) {
            MemorySegment time = TIMESPEC.get();
            time.setAtIndex(LONG, 0, timeoutNanos / 1_000_000_000L);
            time.setAtIndex(LONG, 1, timeoutNanos % 1_000_000_000L);
            timespec = time.address();
        }
        call(address, FUTEX_WAIT, value, timespec);
    }

    /**
     * Wakes who sleeps on the word, those first who came first. Takes some microseconds for each.
     *
     * @param most so many at most.
     */
    public static void wake(long address, int most) {
        call(address, FUTEX_WAKE, most, 0);
    }

    private static void call(long address, int operation, int value, long timespec) {
        try {
            // EAGAIN, EINTR and ETIMEDOUT all mean the same to the caller: look again. EFAULT
            // cannot be: the page is mapped.
            long ignored =
                    (long)
                            SYSCALL.invokeExact(
                                    SYS_FUTEX, address, operation, value, timespec, 0L, 0);
        } catch (Throwable t) {
            throw unexpected(t);
        }
    }

    private static long systemCallNumber() {
        String architecture = System.getProperty("os.arch").toLowerCase(Locale.ROOT);
        return switch (architecture) {
            case "amd64", "x86_64" -> 202;
            case "aarch64" -> 98;
            default ->
                    throw new UnsupportedOperationException(
                            "rbdwrapper runs on x86_64 and aarch64, not on " + architecture);
        };
    }
}
