package org.rbdwrapper.ipc.segment;

import static org.rbdwrapper.ipc.segment.SegmentDescriptor.BODY_OFFSET;
import static org.rbdwrapper.ipc.segment.SegmentDescriptor.RESPONSE_LENGTH;

import org.agrona.concurrent.AtomicBuffer;
import org.rbdwrapper.ipc.codec.IoResponseDecoder;

/**
 * The client's end of a response ring. Used by one thread at a time, the one that holds the
 * channel's lease.
 */
public final class ResponseRingReader {
    private final IoResponseDecoder response = new IoResponseDecoder();
    private final AtomicBuffer ring;
    private final int mask;
    private long position;

    /**
     * @param ring exactly the ring's bytes.
     */
    public ResponseRingReader(AtomicBuffer ring, int depth) {
        this.ring = ring;
        this.mask = depth - 1;
    }

    /** True where {@link #poll} will find a response. */
    public boolean hasNext() {
        return ring.getLongVolatile(offset()) == position + 1;
    }

    /** The next response, valid until the next call, or null. */
    public IoResponseDecoder poll() {
        int offset = offset();
        if (ring.getLongAcquire(offset) != position + 1) {
            return null;
        }
        position++;
        return decode(offset);
    }

    /** The next response, which stays the next until {@link #skip}, or null. */
    public IoResponseDecoder peek() {
        int offset = offset();
        return ring.getLongAcquire(offset) == position + 1 ? decode(offset) : null;
    }

    /** After {@link #peek}: whoever fails in between has taken nothing. */
    public void skip() {
        position++;
    }

    private IoResponseDecoder decode(int offset) {
        return response.wrap(
                ring,
                offset + BODY_OFFSET,
                IoResponseDecoder.BLOCK_LENGTH,
                IoResponseDecoder.SCHEMA_VERSION);
    }

    private int offset() {
        return ((int) position & mask) * RESPONSE_LENGTH;
    }
}
