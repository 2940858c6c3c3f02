package org.rbdwrapper.ipc.posix;

import static org.rbdwrapper.ipc.posix.NativeCalls.INT;
import static org.rbdwrapper.ipc.posix.NativeCalls.LONG;
import static org.rbdwrapper.ipc.posix.NativeCalls.capture;
import static org.rbdwrapper.ipc.posix.NativeCalls.plain;
import static org.rbdwrapper.ipc.posix.NativeCalls.returning;
import static org.rbdwrapper.ipc.posix.NativeCalls.unexpected;
import static org.rbdwrapper.ipc.posix.NativeCalls.withErrno;

import org.rbdwrapper.ipc.ErrnoException;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/**
 * A doorbell, eventfd(2): one side rings, the other has it in an {@link Epoll}, edge-triggered, and
 * never reads it. So who rings can neither block nor starve who listens, whatever it does to the
 * descriptor's flags or counter.
 */
public final class EventFd {
    private static final int EFD_CLOEXEC = 02000000;
    private static final int EFD_NONBLOCK = 04000;

    private static final MethodHandle EVENTFD = withErrno("eventfd", returning(INT, INT, INT));
    private static final MethodHandle WRITE = plain("write", returning(LONG, INT, LONG, LONG));
    private static final MemorySegment ONE = Arena.global().allocateFrom(LONG, 1L);
    private static final long ONE_ADDRESS = ONE.address();

    private EventFd() {}

    public static int create() throws ErrnoException {
        try {
            return Fd.check(
                    (int) EVENTFD.invokeExact(capture(), 0, EFD_CLOEXEC | EFD_NONBLOCK), "eventfd");
        } catch (ErrnoException e) {
            throw e;
        } catch (Throwable t) {
            throw unexpected(t);
        }
    }

    /**
     * Any thread; allocates nothing. A failure can only mean that the counter is full, and then the
     * bell rings already.
     */
    public static void ring(int fd) {
        try {
            long ignored = (long) WRITE.invokeExact(fd, ONE_ADDRESS, 8L);
        } catch (Throwable t) {
            throw unexpected(t);
        }
    }
}
