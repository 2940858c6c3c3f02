package org.rbdwrapper.ipc.segment;

import static org.rbdwrapper.ipc.segment.SegmentDescriptor.BROKER_PARKED_OFFSET;

import org.agrona.concurrent.AtomicBuffer;
import org.rbdwrapper.ipc.posix.EventFd;

import java.lang.invoke.VarHandle;

/**
 * How a client wakes its messenger, and only when it sleeps. The two sides' order of steps is what
 * makes it safe:
 *
 * <pre>
 *   client: publish the request · fence · read brokerParked · if not 0: ring, then n to 0
 *   broker: brokerParked = n    · fence · look at every ring · if all are empty: sleep
 * </pre>
 *
 * Whichever fence comes first, either the client sees the number or the broker sees the request.
 *
 * <p>A client rings before it takes the number away, so that no other relies on a ring that is
 * still to come: a thread may be held up in between, for ever by a signal handler that waits for
 * others. Each sleep has its own number, so that who was held up does not hide the next sleep.
 *
 * <p>A messenger that is awake sleeps in this sense for each session that it does not look at,
 * since that had no requests for a while.
 */
public final class Doorbell {
    private final AtomicBuffer segment;
    private final int eventFd;
    private int sleeps; // the messenger's thread

    /**
     * @param eventFd not owned.
     */
    public Doorbell(AtomicBuffer segment, int eventFd) {
        this.segment = segment;
        this.eventFd = eventFd;
    }

    /** Client, any thread, after its requests are published: one call for a batch of them. */
    public void ringIfParked() {
        VarHandle.fullFence();
        int sleep = segment.getIntVolatile(BROKER_PARKED_OFFSET);
        if (sleep != 0) {
            EventFd.ring(eventFd);
            segment.compareAndSetInt(BROKER_PARKED_OFFSET, sleep, 0);
        }
    }

    /**
     * Broker, the messenger's thread: says that it is about to sleep. A {@code fullFence} and a
     * last look follow.
     */
    public void announceParked() {
        sleeps = sleeps == -1 ? 1 : sleeps + 1; // 0 is awake
        segment.putIntRelease(BROKER_PARKED_OFFSET, sleeps);
    }

    /** Broker, the messenger's thread: says that it is awake. */
    public void announceAwake() {
        segment.putIntRelease(BROKER_PARKED_OFFSET, 0);
    }
}
