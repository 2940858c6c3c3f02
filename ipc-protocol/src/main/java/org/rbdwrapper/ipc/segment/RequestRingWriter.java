package org.rbdwrapper.ipc.segment;

import static org.rbdwrapper.ipc.segment.SegmentDescriptor.BODY_OFFSET;
import static org.rbdwrapper.ipc.segment.SegmentDescriptor.LENGTH_OFFSET;
import static org.rbdwrapper.ipc.segment.SegmentDescriptor.MESSAGE_OFFSET;
import static org.rbdwrapper.ipc.segment.SegmentDescriptor.REQUEST_LENGTH;
import static org.rbdwrapper.ipc.segment.SegmentDescriptor.TRAILER_LENGTH;
import static org.rbdwrapper.ipc.segment.SegmentDescriptor.TYPE_OFFSET;

import org.agrona.concurrent.AtomicBuffer;
import org.agrona.concurrent.ringbuffer.OneToOneRingBuffer;
import org.agrona.concurrent.ringbuffer.RecordDescriptor;
import org.rbdwrapper.ipc.codec.IoOp;
import org.rbdwrapper.ipc.codec.IoRequestEncoder;
import org.rbdwrapper.ipc.codec.MessageHeaderEncoder;

/**
 * The client's end of a request ring: Agrona's ring, and the one message that goes in. Used by one
 * thread at a time, the one that holds the channel's lease. The caller sees to it that no more than
 * {@code depth} requests are unanswered.
 */
public final class RequestRingWriter {
    private static final int MESSAGE_LENGTH = REQUEST_LENGTH - MESSAGE_OFFSET;

    private final MessageHeaderEncoder header = new MessageHeaderEncoder();
    private final IoRequestEncoder request = new IoRequestEncoder();
    private final AtomicBuffer buffer;
    private final OneToOneRingBuffer ring;
    private final int mask;

    /** Of the next request. The ring's tail is ahead of it where a write was broken off. */
    private long position;

    /**
     * @param ring exactly the ring's bytes, with the trailer.
     */
    public RequestRingWriter(AtomicBuffer ring) {
        this.buffer = ring;
        this.ring = new OneToOneRingBuffer(ring);
        this.mask = ring.capacity() - TRAILER_LENGTH - 1;
    }

    /** Publishes one request; {@link Doorbell#ringIfParked} afterwards. */
    public void write(
            long correlationId,
            int handle,
            IoOp op,
            long imagePosition,
            long length,
            int arenaOffset) {
        write(correlationId, handle, op, imagePosition, length, arenaOffset, 0);
    }

    /**
     * What is thrown here has published nothing.
     *
     * @param begin of TRUNCATE and EXTEND: where in the image the file begins.
     */
    public void write(
            long correlationId,
            int handle,
            IoOp op,
            long imagePosition,
            long length,
            int arenaOffset,
            long begin) {
        int index = claim();
        header.wrap(buffer, index)
                .blockLength(IoRequestEncoder.BLOCK_LENGTH)
                .templateId(IoRequestEncoder.TEMPLATE_ID)
                .schemaId(IoRequestEncoder.SCHEMA_ID)
                .version(IoRequestEncoder.SCHEMA_VERSION);
        request.wrap(buffer, index + BODY_OFFSET - MESSAGE_OFFSET)
                .correlationId(correlationId)
                .position(imagePosition)
                .length(length)
                .handle(handle)
                .arenaOffset(arenaOffset)
                .op(op)
                .begin(begin);
        ring.commit(index);
        position += REQUEST_LENGTH;
        // the next claim clears this, too, before it can publish: then the cache line is here by
        // now,
        // and not in the broker's core
        buffer.putLong((int) (position + REQUEST_LENGTH) & mask, 0);
    }

    private int claim() {
        if (ring.producerPosition() != position) {
            return claimAgain();
        }
        int index = ring.tryClaim(IoRequestEncoder.TEMPLATE_ID, MESSAGE_LENGTH);
        if (index < 0) {
            throw new IllegalStateException("more requests than the ring has room for");
        }
        return index;
    }

    /**
     * An earlier write was broken off (by the end of the stack, say) when the ring had moved its
     * tail: its record is made use of, with what the claim may not have come to.
     */
    private int claimAgain() {
        int index = (int) position & mask;
        buffer.putLong((index + REQUEST_LENGTH) & mask, 0);
        buffer.putIntRelease(index + LENGTH_OFFSET, -REQUEST_LENGTH);
        buffer.putInt(index + TYPE_OFFSET, IoRequestEncoder.TEMPLATE_ID);
        return RecordDescriptor.encodedMsgOffset(index);
    }
}
