package org.rbdwrapper.client.io;

import static org.rbdwrapper.ipc.segment.SegmentDescriptor.REQUEST_RING_OFFSET;
import static org.rbdwrapper.ipc.segment.SegmentDescriptor.TAG_MASK;

import org.agrona.concurrent.UnsafeBuffer;
import org.rbdwrapper.ipc.codec.IoOp;
import org.rbdwrapper.ipc.codec.IoResponseDecoder;
import org.rbdwrapper.ipc.segment.ClientWaker;
import org.rbdwrapper.ipc.segment.CrowdNotice;
import org.rbdwrapper.ipc.segment.RequestRingWriter;
import org.rbdwrapper.ipc.segment.ResponseRingReader;
import org.rbdwrapper.ipc.segment.SegmentGeometry;

import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.util.function.Consumer;

/**
 * The client's side of a channel: its two rings, its arena, and which operation each tag in flight
 * belongs to. Used by one thread at a time; who uses it when is {@link SyncChannel}'s and {@link
 * AsyncChannel}'s business.
 */
final class ClientChannel {
    /** Linux has no error number above this one. */
    private static final int MAX_ERRNO = 4095;

    final int arenaLength;
    final ClientWaker waker;
    final CrowdNotice crowdNotice;
    final int depth;
    private final ByteBuffer arena;
    private final RequestRingWriter requests;
    private final ResponseRingReader responses;
    private final Runnable onViolation;
    private final Operation[] operations;
    private final long[] offsets;
    private final int[] lengths;
    private final int[] arenaOffsets;
    private final long[] correlations;
    private long nextCorrelation;
    private int tag;

    /**
     * @param address of the channel in this process.
     * @param onViolation where an answer is not well formed: declares the broker dead, since what
     *     else it has answered cannot be told from that.
     */
    ClientChannel(long address, SegmentGeometry geometry, Runnable onViolation) {
        this.onViolation = onViolation;
        depth = geometry.depth();
        requests =
                new RequestRingWriter(
                        new UnsafeBuffer(
                                address + REQUEST_RING_OFFSET, geometry.requestRingLength()));
        responses =
                new ResponseRingReader(
                        new UnsafeBuffer(
                                address + geometry.responseRingOffset(),
                                geometry.responseRingLength()));
        arenaLength = geometry.arenaLength();
        arena =
                MemorySegment.ofAddress(address + geometry.arenaOffset())
                        .reinterpret(arenaLength)
                        .asByteBuffer();
        UnsafeBuffer control = new UnsafeBuffer(address, REQUEST_RING_OFFSET);
        waker = new ClientWaker(control);
        crowdNotice = new CrowdNotice(control);
        operations = new Operation[depth];
        offsets = new long[depth];
        lengths = new int[depth];
        arenaOffsets = new int[depth];
        correlations = new long[depth];
    }

    /**
     * Publishes the operation's next piece under a tag that is free; the doorbell is the caller's.
     *
     * @return false where the operation is stopped instead: nothing was published.
     */
    boolean submitNext(Operation operation, int freeTag, int arenaOffset, int limit) {
        try {
            long offset = operation.nextOffset();
            int pieceLength = operation.isTransfer() ? operation.nextLength(limit) : 0;
            boolean copies = operation.op == IoOp.WRITE && !operation.isInPlace();
            if (!operation.mayCopy()) {
                return false;
            }
            if (copies) {
                int index = operation.indexOf(offset);
                arena.put(arenaOffset, operation.copied(), index, pieceLength);
                FaultBarrier.pass(operation.copied());
            }
            offsets[freeTag] = offset;
            lengths[freeTag] = pieceLength;
            arenaOffsets[freeTag] = arenaOffset;
            long correlationId = nextCorrelation++ << 16 | freeTag;
            correlations[freeTag] = correlationId;
            operation.advance(pieceLength);
            requests.write(
                    correlationId,
                    operation.handle(),
                    operation.op,
                    operation.isTransfer() ? operation.position + offset : operation.position,
                    operation.isTransfer() ? pieceLength : operation.length,
                    arenaOffset);
        } catch (Throwable e) {
            operation.stop(operation.isLimitMoved(e) ? operation.limitMoved() : e);
            return false;
        }
        // nothing is called here that could throw: what is published is counted
        operations[freeTag] = operation;
        operation.inFlight++;
        return true;
    }

    /**
     * The broker is gone: tells each operation, from the last that was submitted to the first,
     * which of its pieces have no answer.
     *
     * @param onLost is called with each, also more than once with one. Nothing is allocated here.
     */
    void lose(Consumer<Operation> onLost) {
        int lost;
        while ((lost = lastSubmitted()) >= 0) {
            Operation operation = operations[lost];
            operations[lost] = null;
            operation.onLost(offsets[lost], lengths[lost]);
            onLost.accept(operation);
        }
    }

    private int lastSubmitted() {
        int last = -1;
        for (int i = 0; i < depth; i++) {
            if (operations[i] != null && (last < 0 || correlations[i] > correlations[last])) {
                last = i;
            }
        }
        return last;
    }

    boolean hasResponse() {
        return responses.hasNext();
    }

    /**
     * Takes one response and tells its operation, which is returned; null where there is none, or
     * none that the broker may give. See {@link #tag}.
     */
    Operation takeResponse() {
        IoResponseDecoder response = responses.peek();
        if (response == null) {
            return null;
        }
        long correlationId = response.correlationId();
        int answered = (int) correlationId & TAG_MASK;
        long result = response.result();
        if (!responses.isWellFormed() || !isPossible(correlationId, answered, result)) {
            onViolation.run();
            return null;
        }
        Operation operation = operations[answered];
        if (operation.op == IoOp.READ
                && result > 0
                && !operation.isInPlace()
                && operation.mayCopy()) {
            copyOut(operation, answered, (int) result);
        }
        responses.skip(); // what was thrown before has changed nothing
        operation.onCompleted(offsets[answered], lengths[answered], result);
        operations[answered] = null;
        tag = answered;
        return operation;
    }

    /** Whether it answers something that is in flight, with what can be an answer to that. */
    private boolean isPossible(long correlationId, int answered, long result) {
        return answered < depth
                && operations[answered] != null
                && correlations[answered] == correlationId
                && result >= -MAX_ERRNO
                && (!operations[answered].isTransfer() || result <= lengths[answered]);
    }

    private void copyOut(Operation operation, int ofTag, int length) {
        try {
            int index = operation.indexOf(offsets[ofTag]);
            operation.copied().put(index, arena, arenaOffsets[ofTag], length);
            FaultBarrier.pass(operation.copied());
        } catch (Throwable e) {
            operation.stop(operation.isLimitMoved(e) ? operation.limitMoved() : e);
        }
    }

    /** What is in flight is answered, but done no further. */
    void stopAll(Throwable why) {
        for (Operation operation : operations) {
            if (operation != null) {
                operation.stop(why);
            }
        }
    }

    /** The tag of the response that was taken last; free again. */
    int tag() {
        return tag;
    }

    int arenaOffset(int ofTag) {
        return arenaOffsets[ofTag];
    }

    int length(int ofTag) {
        return lengths[ofTag];
    }
}
