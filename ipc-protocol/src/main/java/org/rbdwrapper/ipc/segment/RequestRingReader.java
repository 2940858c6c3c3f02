package org.rbdwrapper.ipc.segment;

import static org.rbdwrapper.ipc.segment.SegmentDescriptor.BODY_OFFSET;
import static org.rbdwrapper.ipc.segment.SegmentDescriptor.MESSAGE_OFFSET;
import static org.rbdwrapper.ipc.segment.SegmentDescriptor.REQUEST_LENGTH;

import org.agrona.concurrent.AtomicBuffer;
import org.agrona.concurrent.UnsafeBuffer;
import org.rbdwrapper.ipc.codec.IoRequestDecoder;
import org.rbdwrapper.ipc.codec.MessageHeaderDecoder;

/**
 * The broker's end of a request ring, which a hostile process may write at any time. An entry is
 * copied once, into memory of this process; its header is checked here and its fields by the
 * caller, on that copy and nowhere else.
 *
 * <p>Owned by one messenger's thread; allocates nothing.
 */
public final class RequestRingReader {
    /** What {@link #poll} found. */
    public enum Poll {
        EMPTY,
        REQUEST,
        VIOLATION
    }

    private final UnsafeBuffer copy = new UnsafeBuffer(new byte[REQUEST_LENGTH]);
    private final MessageHeaderDecoder header = new MessageHeaderDecoder();
    private final IoRequestDecoder request = new IoRequestDecoder();
    private final AtomicBuffer ring;
    private final int depth;
    private long position;
    private String violation = "";

    /**
     * @param ring exactly the ring's bytes.
     */
    public RequestRingReader(AtomicBuffer ring, int depth) {
        this.ring = ring;
        this.depth = depth;
    }

    /** True where {@link #poll} would not say EMPTY: one load of shared memory. */
    public boolean hasNext() {
        long next = position + 1;
        return ring.getLongVolatile(offset()) != (next > depth ? next - depth : 0);
    }

    /** Takes the next request, if there is one. */
    public Poll poll() {
        int offset = offset();
        long next = position + 1;
        long sequence = ring.getLongAcquire(offset);
        if (sequence != next) {
            if (sequence == (next > depth ? next - depth : 0)) {
                return Poll.EMPTY;
            }
            violation = "sequence " + sequence + " where " + next + " comes next";
            return Poll.VIOLATION;
        }
        ring.getBytes(offset, copy, 0, REQUEST_LENGTH);
        header.wrap(copy, MESSAGE_OFFSET);
        if (header.templateId() != IoRequestDecoder.TEMPLATE_ID
                || header.schemaId() != IoRequestDecoder.SCHEMA_ID
                || header.blockLength() != IoRequestDecoder.BLOCK_LENGTH
                || header.version() < 1) {
            violation = "a header that is not IoRequest's";
            return Poll.VIOLATION;
        }
        request.wrap(copy, BODY_OFFSET, header.blockLength(), header.version());
        position = next;
        return Poll.REQUEST;
    }

    /** The private copy of the request that {@link #poll} took, valid until the next one. */
    public IoRequestDecoder request() {
        return request;
    }

    /** Why {@link #poll} said VIOLATION. */
    public String violation() {
        return violation;
    }

    private int offset() {
        return ((int) position & (depth - 1)) * REQUEST_LENGTH;
    }
}
