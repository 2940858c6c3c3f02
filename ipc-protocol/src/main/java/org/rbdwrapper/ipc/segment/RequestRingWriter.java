package org.rbdwrapper.ipc.segment;

import static org.rbdwrapper.ipc.segment.SegmentDescriptor.BODY_OFFSET;
import static org.rbdwrapper.ipc.segment.SegmentDescriptor.MESSAGE_OFFSET;
import static org.rbdwrapper.ipc.segment.SegmentDescriptor.REQUEST_LENGTH;

import org.agrona.MutableDirectBuffer;
import org.agrona.concurrent.AtomicBuffer;
import org.rbdwrapper.ipc.codec.IoOp;
import org.rbdwrapper.ipc.codec.IoRequestEncoder;
import org.rbdwrapper.ipc.codec.MessageHeaderEncoder;

/**
 * The client's end of a request ring. Used by one thread at a time, the one that holds the
 * channel's lease. The caller sees to it that no more than {@code depth} requests are unanswered.
 */
public final class RequestRingWriter {
    private final MessageHeaderEncoder header = new MessageHeaderEncoder();
    private final IoRequestEncoder request = new IoRequestEncoder();
    private final AtomicBuffer ring;
    private final int mask;
    private long position;

    /**
     * @param ring exactly the ring's bytes.
     */
    public RequestRingWriter(AtomicBuffer ring, int depth) {
        this.ring = ring;
        this.mask = depth - 1;
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
        int offset = ((int) position & mask) * REQUEST_LENGTH;
        MutableDirectBuffer buffer = ring;
        header.wrap(buffer, offset + MESSAGE_OFFSET)
                .blockLength(IoRequestEncoder.BLOCK_LENGTH)
                .templateId(IoRequestEncoder.TEMPLATE_ID)
                .schemaId(IoRequestEncoder.SCHEMA_ID)
                .version(IoRequestEncoder.SCHEMA_VERSION);
        request.wrap(buffer, offset + BODY_OFFSET)
                .correlationId(correlationId)
                .position(imagePosition)
                .length(length)
                .handle(handle)
                .arenaOffset(arenaOffset)
                .op(op)
                .begin(begin);
        ring.putLongRelease(offset, position + 1);
        position++; // last: what is thrown before has published nothing
    }
}
