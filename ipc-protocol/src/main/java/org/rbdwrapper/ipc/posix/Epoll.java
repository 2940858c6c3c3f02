package org.rbdwrapper.ipc.posix;

import static org.rbdwrapper.ipc.posix.NativeCalls.INT;
import static org.rbdwrapper.ipc.posix.NativeCalls.LONG;
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

/**
 * Waiting for many descriptors, epoll(7). Owned by the one thread that waits; that thread alone
 * adds and removes.
 *
 * <p>struct epoll_event is packed on x86_64 (12 bytes: u32 events, u64 data) and padded elsewhere
 * (16 bytes).
 */
public final class Epoll implements AutoCloseable {
    public static final int IN = 1;
    public static final int OUT = 4;
    public static final int ERROR = 8;
    public static final int HANGUP = 16;
    public static final int EDGE = 1 << 31;

    /** Of one {@link #await}. */
    public static final int MAX_EVENTS = 64;

    private static final int EPOLL_CLOEXEC = 02000000;
    private static final int CTL_ADD = 1;
    private static final int CTL_DEL = 2;
    private static final int CTL_MOD = 3;
    private static final boolean PACKED = System.getProperty("os.arch").matches("amd64|x86_64");
    private static final int EVENT_LENGTH = PACKED ? 12 : 16;
    private static final int DATA_OFFSET = PACKED ? 4 : 8;

    private static final MethodHandle CREATE = withErrno("epoll_create1", returning(INT, INT));
    private static final MethodHandle CTL =
            withErrno("epoll_ctl", returning(INT, INT, INT, INT, LONG));
    private static final MethodHandle WAIT =
            withErrno("epoll_wait", returning(INT, INT, LONG, INT, INT));
    private static final ValueLayout.OfLong UNALIGNED_LONG = ValueLayout.JAVA_LONG_UNALIGNED;

    private final Arena arena = Arena.ofShared();
    private final MemorySegment events;
    private final MemorySegment change = arena.allocate(EVENT_LENGTH, 16);
    private final int maxEvents;
    private final int fd;

    public Epoll() throws ErrnoException {
        this(MAX_EVENTS);
    }

    /**
     * @param maxEvents that one {@link #await} returns at most, at least 1; the next one returns
     *     others first.
     */
    public Epoll(int maxEvents) throws ErrnoException {
        this.maxEvents = maxEvents;
        this.events = arena.allocate((long) EVENT_LENGTH * maxEvents, 16);
        try {
            fd = Fd.check((int) CREATE.invokeExact(capture(), EPOLL_CLOEXEC), "epoll_create1");
        } catch (ErrnoException e) {
            throw e;
        } catch (Throwable t) {
            throw unexpected(t);
        }
    }

    /**
     * Waits for {@code watched}.
     *
     * @param token what {@link #token} returns when it is ready.
     */
    public void add(int watched, int interest, long token) throws ErrnoException {
        control(CTL_ADD, watched, interest, token);
    }

    public void modify(int watched, int interest, long token) throws ErrnoException {
        control(CTL_MOD, watched, interest, token);
    }

    public void remove(int watched) throws ErrnoException {
        control(CTL_DEL, watched, 0, 0);
    }

    /**
     * Waits, and returns how many descriptors are ready; 0 after the time or a signal. Allocates
     * nothing.
     *
     * @param timeoutMillis 0: do not wait; -1: no limit.
     */
    public int await(int timeoutMillis) {
        try {
            int n =
                    (int)
                            WAIT.invokeExact(
                                    capture(), fd, events.address(), maxEvents, timeoutMillis);
            if (n < 0 && NativeCalls.lastErrnoNumber() != Errno.EINTR.number()) {
                throw new IllegalStateException("epoll_wait failed: " + NativeCalls.lastErrno());
            }
            return Math.max(n, 0);
        } catch (IllegalStateException e) {
            throw e;
        } catch (Throwable t) {
            throw unexpected(t);
        }
    }

    /** The token of the i-th ready descriptor, valid until the next {@link #await}. */
    public long token(int i) {
        return events.get(UNALIGNED_LONG, (long) i * EVENT_LENGTH + DATA_OFFSET);
    }

    /** Its events, as {@link #IN}, {@link #HANGUP}. */
    public int ready(int i) {
        return events.get(ValueLayout.JAVA_INT_UNALIGNED, (long) i * EVENT_LENGTH);
    }

    @Override
    public void close() throws ErrnoException {
        Fd.close(fd);
        arena.close();
    }

    private void control(int operation, int watched, int interest, long token)
            throws ErrnoException {
        change.set(ValueLayout.JAVA_INT_UNALIGNED, 0, interest);
        change.set(UNALIGNED_LONG, DATA_OFFSET, token);
        try {
            Fd.check(
                    (int) CTL.invokeExact(capture(), fd, operation, watched, change.address()),
                    "epoll_ctl");
        } catch (ErrnoException e) {
            throw e;
        } catch (Throwable t) {
            throw unexpected(t);
        }
    }
}
