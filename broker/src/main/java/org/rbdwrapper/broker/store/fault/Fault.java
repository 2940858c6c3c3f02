package org.rbdwrapper.broker.store.fault;

import org.rbdwrapper.ipc.Errno;

/**
 * What befalls the calls that it fits. Made by {@link #fail}, {@link #delay} or {@link #hold},
 * narrowed by the methods that return another one, and put into a {@link FaultPlan}.
 *
 * @param errno what the call fails with, without reaching the store; null: it reaches the store.
 * @param delayMillis how long the call waits first; {@link #HELD}: until it is released.
 * @param from first byte of the range that an I/O must touch; calls without a range are not asked.
 * @param to the byte after that range.
 * @param times how many calls it befalls before it is spent.
 * @param of what the call is of, as it is named there: an administrative call's image, for example;
 *     null: of whatever.
 */
public record Fault(
        FaultPoint point,
        Errno errno,
        long delayMillis,
        long from,
        long to,
        long times,
        String of) {
    /** As a delay: until {@link FaultPlan#release} or {@link FaultPlan#clear}. */
    static final long HELD = Long.MAX_VALUE;

    public static Fault fail(FaultPoint point, Errno errno) {
        return new Fault(point, errno, 0, 0, Long.MAX_VALUE, Long.MAX_VALUE, null);
    }

    public static Fault delay(FaultPoint point, long millis) {
        return new Fault(point, null, millis, 0, Long.MAX_VALUE, Long.MAX_VALUE, null);
    }

    public static Fault hold(FaultPoint point) {
        return delay(point, HELD);
    }

    /** Only I/O that touches a byte of [newFrom, newTo). */
    public Fault between(long newFrom, long newTo) {
        return new Fault(point, errno, delayMillis, newFrom, newTo, times, of);
    }

    /** Only the next calls, this many. */
    public Fault times(long newTimes) {
        return new Fault(point, errno, delayMillis, from, to, newTimes, of);
    }

    /** Only administrative calls of this, as {@code pool/image}. */
    public Fault of(String newOf) {
        return new Fault(point, errno, delayMillis, from, to, times, newOf);
    }

    /** After having waited, the call fails with this number. */
    public Fault thenFail(Errno newErrno) {
        return new Fault(point, newErrno, delayMillis, from, to, times, of);
    }

    boolean fits(FaultPoint called, Object what, long position, long length) {
        return called == point
                && (of == null || of.equals(String.valueOf(what)))
                && position < to
                && position + Math.max(length, 1) > from;
    }
}
