package org.rbdwrapper.ipc.posix;

import static org.rbdwrapper.ipc.posix.NativeCalls.INT;
import static org.rbdwrapper.ipc.posix.NativeCalls.LONG;
import static org.rbdwrapper.ipc.posix.NativeCalls.POINTER;
import static org.rbdwrapper.ipc.posix.NativeCalls.capture;
import static org.rbdwrapper.ipc.posix.NativeCalls.plain;
import static org.rbdwrapper.ipc.posix.NativeCalls.returning;
import static org.rbdwrapper.ipc.posix.NativeCalls.unexpected;
import static org.rbdwrapper.ipc.posix.NativeCalls.withErrno;

import org.rbdwrapper.ipc.ErrnoException;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.util.BitSet;

/** On which cores a thread of this process may run, sched_setaffinity(2). Any thread. */
public final class CpuAffinity {
    /** Of glibc's cpu_set_t. */
    private static final int MAX_CPUS = 1024;

    private static final long SET_BYTES = MAX_CPUS / 8;

    private static final MethodHandle SET =
            withErrno("sched_setaffinity", returning(INT, INT, LONG, POINTER));
    private static final MethodHandle GET =
            withErrno("sched_getaffinity", returning(INT, INT, LONG, POINTER));
    private static final MethodHandle CURRENT = plain("sched_getcpu", returning(INT));

    private CpuAffinity() {}

    /**
     * @param thread the kernel's id of it.
     * @throws ErrnoException ESRCH: it has ended; EINVAL: the host has more cores than are known
     *     here.
     */
    public static BitSet of(int thread) throws ErrnoException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment set = arena.allocate(SET_BYTES, Long.BYTES);
            Fd.check((int) GET.invokeExact(capture(), thread, SET_BYTES, set), "sched_getaffinity");
            return BitSet.valueOf(set.asByteBuffer());
        } catch (ErrnoException e) {
            throw e;
        } catch (Throwable t) {
            throw unexpected(t);
        }
    }

    /**
     * @param thread the kernel's id of it.
     * @throws ErrnoException ESRCH: it has ended; EINVAL: none of the cores may be used.
     */
    public static void set(int thread, BitSet cores) throws ErrnoException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment set = arena.allocate(SET_BYTES, Long.BYTES);
            MemorySegment.copy(
                    MemorySegment.ofArray(cores.toByteArray()),
                    0,
                    set,
                    0,
                    Math.min(SET_BYTES, cores.toByteArray().length));
            Fd.check((int) SET.invokeExact(capture(), thread, SET_BYTES, set), "sched_setaffinity");
        } catch (ErrnoException e) {
            throw e;
        } catch (Throwable t) {
            throw unexpected(t);
        }
    }

    /** The core that runs this thread. */
    public static int current() {
        try {
            return (int) CURRENT.invokeExact();
        } catch (Throwable t) {
            throw unexpected(t);
        }
    }
}
