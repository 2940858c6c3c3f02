package org.rbdwrapper.ipc.segment;

import static org.rbdwrapper.ipc.segment.SegmentDescriptor.CROWD_OFFSET;

import org.agrona.concurrent.AtomicBuffer;

/**
 * How the broker tells a client that so many others are at work that it should sleep rather than
 * look for its answers. A hint: nothing goes wrong where it is late, or where a client ignores it.
 */
public final class CrowdNotice {
    private final AtomicBuffer channel;

    /**
     * @param channel the channel's bytes.
     */
    public CrowdNotice(AtomicBuffer channel) {
        this.channel = channel;
    }

    /** Broker, one thread; only when it changes, as the client has the line in its cache. */
    public void put(boolean isCrowd) {
        channel.putIntRelease(CROWD_OFFSET, isCrowd ? 1 : 0);
    }

    /** Client, any thread. */
    public boolean isCrowd() {
        return channel.getIntVolatile(CROWD_OFFSET) != 0;
    }
}
