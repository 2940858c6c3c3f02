package org.rbdwrapper.ipc.segment;

import static org.rbdwrapper.ipc.segment.SegmentDescriptor.BODY_OFFSET;
import static org.rbdwrapper.ipc.segment.SegmentDescriptor.MESSAGE_OFFSET;
import static org.rbdwrapper.ipc.segment.SegmentDescriptor.RESPONSE_LENGTH;

import org.agrona.concurrent.AtomicBuffer;
import org.rbdwrapper.ipc.codec.IoResponseEncoder;
import org.rbdwrapper.ipc.codec.MessageHeaderEncoder;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;

/**
 * The broker's end of a response ring. Any thread of the store: each takes a position of its own
 * from a counter in this process's memory, so writers never wait for one another. Nothing is read
 * from shared memory; allocates nothing.
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
    private final int mask;

    @SuppressWarnings("unused") // through NEXT
    private volatile long next;

    /**
     * @param ring exactly the ring's bytes.
     */
    public ResponseRingWriter(AtomicBuffer ring, int depth) {
        this.ring = ring;
        this.mask = depth - 1;
        MessageHeaderEncoder header = new MessageHeaderEncoder();
        for (int i = 0; i < depth; i++) {
            header.wrap(ring, i * RESPONSE_LENGTH + MESSAGE_OFFSET)
                    .blockLength(IoResponseEncoder.BLOCK_LENGTH)
                    .templateId(IoResponseEncoder.TEMPLATE_ID)
                    .schemaId(IoResponseEncoder.SCHEMA_ID)
                    .version(IoResponseEncoder.SCHEMA_VERSION);
        }
    }

    /** Publishes one response; {@link ClientWaker#wakeIfWaiting} afterwards. */
    public void write(long correlationId, long result) {
        long position = (long) NEXT.getAndAdd(this, 1L);
        int offset = ((int) position & mask) * RESPONSE_LENGTH;
        // by offset and not by an encoder object, which only one thread could use
        ring.putLong(
                offset + BODY_OFFSET + IoResponseEncoder.correlationIdEncodingOffset(),
                correlationId);
        ring.putLong(offset + BODY_OFFSET + IoResponseEncoder.resultEncodingOffset(), result);
        ring.putLongRelease(offset, position + 1);
    }
}
