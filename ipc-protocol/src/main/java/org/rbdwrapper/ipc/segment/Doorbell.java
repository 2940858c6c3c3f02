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
 *   client: publish the request · fence · read brokerParked · if 1: swap to 0, and ring
 *   broker: brokerParked = 1    · fence · look at every ring · if all are empty: sleep
 * </pre>
 *
 * Whichever fence comes first, either the client sees the flag or the broker sees the request.
 */
public final class Doorbell {
    private final AtomicBuffer segment;
    private final int eventFd;

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
        if (segment.getIntVolatile(BROKER_PARKED_OFFSET) != 0
                && segment.getAndSetInt(BROKER_PARKED_OFFSET, 0) != 0) {
            EventFd.ring(eventFd);
        }
    }

    /**
     * Broker, the messenger's thread: says that it is about to sleep. A {@code fullFence} and a
     * last look follow.
     */
    public void announceParked() {
        segment.putIntRelease(BROKER_PARKED_OFFSET, 1);
    }

    /** Broker, the messenger's thread: says that it is awake. */
    public void announceAwake() {
        segment.putIntRelease(BROKER_PARKED_OFFSET, 0);
    }
}
