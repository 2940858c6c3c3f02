package org.rbdwrapper.client.io;

import static org.rbdwrapper.ipc.segment.SegmentDescriptor.HEADER_LENGTH;

import org.agrona.concurrent.UnsafeBuffer;
import org.rbdwrapper.ipc.segment.Doorbell;
import org.rbdwrapper.ipc.segment.SegmentGeometry;

/** What joins a session with one broker: the segment that they share. Any thread. */
public final class Link {
    private final long address;
    private final SegmentGeometry geometry;
    private final int buffersLength;
    private final Doorbell doorbell;
    private final Liveness liveness;
    private boolean late; // not changed any more when others have this
    private final SharedBuffers buffers;

    /**
     * @param address of the mapped segment.
     * @param buffersLength bytes of the first channel's arena, from its start, that are the
     *     program's.
     * @param doorbellFd not owned.
     */
    public Link(
            long address,
            SegmentGeometry geometry,
            int buffersLength,
            int doorbellFd,
            Liveness liveness) {
        this.address = address;
        this.geometry = geometry;
        this.buffersLength = buffersLength;
        this.doorbell = new Doorbell(new UnsafeBuffer(address, HEADER_LENGTH), doorbellFd);
        this.liveness = liveness;
        long arena = address + geometry.channelOffset(0) + geometry.arenaOffset();
        this.buffers = new SharedBuffers(this, arena, buffersLength);
    }

    /** The broker is gone. */
    public boolean isDead() {
        return liveness.isDead();
    }

    /**
     * Others have gone on without this session: what it has changed and had no answer for may not
     * be done again. Before anybody else has this.
     */
    public void becomeLate() {
        late = true;
    }

    public boolean isLate() {
        return late;
    }

    int channels() {
        return geometry.channels();
    }

    Doorbell doorbell() {
        return doorbell;
    }

    Liveness liveness() {
        return liveness;
    }

    /** A view of a channel, whose waiter is woken when the broker dies. */
    ClientChannel channel(int index) {
        ClientChannel channel =
                new ClientChannel(
                        address + geometry.channelOffset(index), geometry, liveness::declareDead);
        liveness.onDeath(channel.waker::wakeForBroker);
        return channel;
    }

    /** Bytes from the start of the first channel's arena: not for copies. */
    int buffersLength() {
        return buffersLength;
    }

    /** Nobody asks for buffers in this memory any more. */
    public void retireBuffers() {
        buffers.retire();
    }

    /** Of the first channel. */
    SharedBuffers buffers() {
        return buffers;
    }

    /** Nobody works here any more. The memory is unmapped when no program has buffers in it. */
    public void unmapWhenUnused(Runnable unmapping) {
        buffers.unmapWhenUnused(unmapping);
    }
}
