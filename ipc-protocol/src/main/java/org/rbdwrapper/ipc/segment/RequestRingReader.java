package org.rbdwrapper.ipc.segment;

import static org.rbdwrapper.ipc.segment.SegmentDescriptor.BODY_OFFSET;
import static org.rbdwrapper.ipc.segment.SegmentDescriptor.HEAD_OFFSET;
import static org.rbdwrapper.ipc.segment.SegmentDescriptor.LENGTH_OFFSET;
import static org.rbdwrapper.ipc.segment.SegmentDescriptor.MESSAGE_OFFSET;
import static org.rbdwrapper.ipc.segment.SegmentDescriptor.REQUEST_LENGTH;
import static org.rbdwrapper.ipc.segment.SegmentDescriptor.TRAILER_LENGTH;
import static org.rbdwrapper.ipc.segment.SegmentDescriptor.TYPE_OFFSET;

import org.agrona.concurrent.AtomicBuffer;
import org.agrona.concurrent.UnsafeBuffer;
import org.rbdwrapper.ipc.codec.IoRequestDecoder;
import org.rbdwrapper.ipc.codec.MessageHeaderDecoder;

/**
 * The broker's end of a request ring, which a hostile process may write at any time. A record is
 * copied once, into memory of this process; its headers are checked here and its fields by the
 * caller, on that copy and nowhere else. Not Agrona's class, which goes by the head and the lengths
 * that it finds there: this one knows where the next record is and how long, and whatever it finds
 * instead ends the session.
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
    private final int capacity;
    private long position;
    private String violation = "";

    /**
     * @param ring exactly the ring's bytes, with the trailer.
     */
    public RequestRingReader(AtomicBuffer ring) {
        this.ring = ring;
        this.capacity = ring.capacity() - TRAILER_LENGTH;
    }

    /** True where {@link #poll} would not say EMPTY: one load of shared memory. */
    public boolean hasNext() {
        return ring.getIntVolatile(index() + LENGTH_OFFSET) > 0;
    }

    /** Takes the next request, if there is one. */
    public Poll poll() {
        int index = index();
        int length = ring.getIntAcquire(index + LENGTH_OFFSET);
        if (length <= 0) {
            return Poll.EMPTY;
        }
        if (length != REQUEST_LENGTH) {
            violation = "a record of " + length + " bytes where all have " + REQUEST_LENGTH;
            return Poll.VIOLATION;
        }
        ring.getBytes(index, copy, 0, REQUEST_LENGTH);
        header.wrap(copy, MESSAGE_OFFSET);
        if (copy.getInt(TYPE_OFFSET) != IoRequestDecoder.TEMPLATE_ID
                || header.templateId() != IoRequestDecoder.TEMPLATE_ID
                || header.schemaId() != IoRequestDecoder.SCHEMA_ID
                || header.blockLength() != IoRequestDecoder.BLOCK_LENGTH
                || header.version() < 1) {
            violation = "a header that is not IoRequest's";
            return Poll.VIOLATION;
        }
        request.wrap(copy, BODY_OFFSET, header.blockLength(), header.version());
        position += REQUEST_LENGTH;
        // before the request can be answered: the client has room by then for as many more
        ring.putLongRelease(capacity + HEAD_OFFSET, position);
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

    private int index() {
        return (int) position & (capacity - 1);
    }
}
