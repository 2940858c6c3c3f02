package org.rbdwrapper.ipc.segment;

import static org.rbdwrapper.ipc.segment.SegmentDescriptor.BODY_OFFSET;
import static org.rbdwrapper.ipc.segment.SegmentDescriptor.LENGTH_OFFSET;
import static org.rbdwrapper.ipc.segment.SegmentDescriptor.MESSAGE_OFFSET;
import static org.rbdwrapper.ipc.segment.SegmentDescriptor.RESPONSE_LENGTH;
import static org.rbdwrapper.ipc.segment.SegmentDescriptor.TRAILER_LENGTH;

import org.agrona.MutableDirectBuffer;
import org.agrona.concurrent.AtomicBuffer;
import org.agrona.concurrent.MessageHandler;
import org.agrona.concurrent.ringbuffer.OneToOneRingBuffer;
import org.rbdwrapper.ipc.codec.IoResponseDecoder;

/**
 * The client's end of a response ring: Agrona's ring, of which one record is taken at a time. Used
 * by one thread at a time, the one that holds the channel's lease.
 *
 * <p>A record is taken in two steps: {@link #peek} and {@link #skip}. The ring itself counts one as
 * read when its handler returns, or throws; here it stays the next until it is skipped, so that
 * whoever fails in between has lost nothing. Its bytes stay as well: the broker's next record comes
 * there when many others were answered, and until then this one counts as unanswered.
 */
public final class ResponseRingReader {
    private final MessageHandler handler = this::onMessage;
    private final IoResponseDecoder response = new IoResponseDecoder();
    private final AtomicBuffer buffer;
    private final OneToOneRingBuffer ring;
    private final int mask;

    /** Of the next response. The ring's head is ahead of it from {@link #peek} to skip. */
    private long position;

    private boolean isWellFormed = true;

    /**
     * @param ring exactly the ring's bytes, with the trailer.
     */
    public ResponseRingReader(AtomicBuffer ring) {
        this.buffer = ring;
        this.ring = new OneToOneRingBuffer(ring);
        this.mask = ring.capacity() - TRAILER_LENGTH - 1;
    }

    /** True where {@link #peek} will find a response. */
    public boolean hasNext() {
        return buffer.getIntVolatile(index() + LENGTH_OFFSET) > 0;
    }

    /** The next response, which stays the next until {@link #skip}, or null. */
    public IoResponseDecoder peek() {
        // where it was not skipped, or the handler could not be called, the ring does not give it
        // again
        if (ring.consumerPosition() == position && ring.read(handler, 1) == 0) {
            return null;
        }
        return response.wrap(
                buffer,
                index() + BODY_OFFSET,
                IoResponseDecoder.BLOCK_LENGTH,
                IoResponseDecoder.SCHEMA_VERSION);
    }

    /** The next response, valid until the next call, or null. */
    public IoResponseDecoder poll() {
        IoResponseDecoder next = peek();
        if (next != null) {
            skip();
        }
        return next;
    }

    /** After {@link #peek}: false where it was no response that the broker has put there. */
    public boolean isWellFormed() {
        return isWellFormed;
    }

    /** After {@link #peek}. */
    public void skip() {
        position += RESPONSE_LENGTH;
    }

    private void onMessage(int type, MutableDirectBuffer from, int index, int length) {
        isWellFormed =
                type == IoResponseDecoder.TEMPLATE_ID && length == RESPONSE_LENGTH - MESSAGE_OFFSET;
    }

    private int index() {
        return (int) position & mask;
    }
}
