package org.rbdwrapper.ipc.segment;

import static org.rbdwrapper.ipc.segment.SegmentDescriptor.BODY_OFFSET;
import static org.rbdwrapper.ipc.segment.SegmentDescriptor.LENGTH_OFFSET;
import static org.rbdwrapper.ipc.segment.SegmentDescriptor.MESSAGE_OFFSET;
import static org.rbdwrapper.ipc.segment.SegmentDescriptor.RESPONSE_LENGTH;
import static org.rbdwrapper.ipc.segment.SegmentDescriptor.TAIL_OFFSET;
import static org.rbdwrapper.ipc.segment.SegmentDescriptor.TRAILER_LENGTH;
import static org.rbdwrapper.ipc.segment.SegmentDescriptor.TYPE_OFFSET;

import org.agrona.concurrent.AtomicBuffer;
import org.rbdwrapper.ipc.codec.IoResponseEncoder;
import org.rbdwrapper.ipc.codec.MessageHeaderEncoder;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;

/**
 * The broker's end of a response ring. Any thread of the store: each takes a position of its own
 * from a counter in this process's memory, so writers never wait for one another. Nothing is read
 * from shared memory; allocates nothing.
 *
 * <p>The messenger clears headers half a lap ahead, one for each request that it has taken, so that
 * the client finds nothing of the lap before. When the request n was taken, the client has read the
 * record {@code n - depth}, which lay there, or more requests than {@code depth} would be
 * unanswered. And it comes to the record {@code n + depth} when it has as many answers, one of them
 * to a request that was taken later: by then this one's header is clear. So it may be done when the
 * request is on its way, and delays no answer by what it takes to get a cache line from the client.
 */
public final class ResponseRingWriter {
    private static final VarHandle NEXT;

    static {
        try {
            NEXT =
                    MethodHandles.lookup()
                            .findVarHandle(ResponseRingWriter.class, "next", long.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private final AtomicBuffer ring;
    private final int capacity;

    @SuppressWarnings("unused") // through NEXT
    private volatile long next;

    /** Position of the header that is cleared next; the messenger's. */
    private long ahead;

    /**
     * @param ring exactly the ring's bytes, with the trailer.
     */
    public ResponseRingWriter(AtomicBuffer ring) {
        this.ring = ring;
        this.capacity = ring.capacity() - TRAILER_LENGTH;
        this.ahead = capacity / 2;
        MessageHeaderEncoder header = new MessageHeaderEncoder();
        for (int index = 0; index < capacity; index += RESPONSE_LENGTH) {
            ring.putInt(index + TYPE_OFFSET, IoResponseEncoder.TEMPLATE_ID);
            header.wrap(ring, index + MESSAGE_OFFSET)
                    .blockLength(IoResponseEncoder.BLOCK_LENGTH)
                    .templateId(IoResponseEncoder.TEMPLATE_ID)
                    .schemaId(IoResponseEncoder.SCHEMA_ID)
                    .version(IoResponseEncoder.SCHEMA_VERSION);
        }
    }

    /** Messenger: one more request was taken, before the next one is. */
    public void clearAhead() {
        ring.putIntRelease(((int) ahead & (capacity - 1)) + LENGTH_OFFSET, 0);
        ahead += RESPONSE_LENGTH;
    }

    /** Publishes one response; {@link ClientWaker#wakeIfWaiting} afterwards. */
    public void write(long correlationId, long result) {
        long position = (long) NEXT.getAndAdd(this, (long) RESPONSE_LENGTH);
        int index = (int) position & (capacity - 1);
        // by offset and not by an encoder object, which only one thread could use
        ring.putLong(
                index + BODY_OFFSET + IoResponseEncoder.correlationIdEncodingOffset(),
                correlationId);
        ring.putLong(index + BODY_OFFSET + IoResponseEncoder.resultEncodingOffset(), result);
        ring.putIntRelease(index + LENGTH_OFFSET, RESPONSE_LENGTH);
        // for tools only: of several threads one that is late may put it back for a moment
        ring.putLong(capacity + TAIL_OFFSET, position + RESPONSE_LENGTH);
    }
}
