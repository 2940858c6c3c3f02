package org.rbdwrapper.client.io;

import static org.rbdwrapper.ipc.segment.SegmentDescriptor.REQUEST_LENGTH;
import static org.rbdwrapper.ipc.segment.SegmentDescriptor.REQUEST_RING_OFFSET;
import static org.rbdwrapper.ipc.segment.SegmentDescriptor.RESPONSE_LENGTH;
import static org.rbdwrapper.ipc.segment.SegmentDescriptor.TAG_MASK;

import org.agrona.concurrent.UnsafeBuffer;
import org.rbdwrapper.ipc.codec.IoOp;
import org.rbdwrapper.ipc.codec.IoResponseDecoder;
import org.rbdwrapper.ipc.segment.ClientWaker;
import org.rbdwrapper.ipc.segment.CrowdNotice;
import org.rbdwrapper.ipc.segment.RequestRingWriter;
import org.rbdwrapper.ipc.segment.ResponseRingReader;
import org.rbdwrapper.ipc.segment.SegmentGeometry;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/**
 * The client's side of a channel: its two rings, its arena, and which operation each tag in flight
 * belongs to. Used by one thread at a time; who uses it when is {@link SyncChannel}'s and {@link
 * AsyncChannel}'s business.
 */
final class ClientChannel {
    final UnsafeBuffer arena;
    final ClientWaker waker;
    final CrowdNotice crowdNotice;
    final int depth;
    private final RequestRingWriter requests;
    private final ResponseRingReader responses;
    private final Operation[] operations;
    private final long[] offsets;
    private final int[] lengths;
    private final int[] arenaOffsets;
    private final long[] correlations;
    private long nextCorrelation;
    private int tag;

    /**
     * @param address of the channel in this process.
     */
    ClientChannel(long address, SegmentGeometry geometry) {
        depth = geometry.depth();
        requests =
                new RequestRingWriter(
                        new UnsafeBuffer(address + REQUEST_RING_OFFSET, depth * REQUEST_LENGTH),
                        depth);
        responses =
                new ResponseRingReader(
                        new UnsafeBuffer(
                                address + geometry.responseRingOffset(), depth * RESPONSE_LENGTH),
                        depth);
        arena = new UnsafeBuffer(address + geometry.arenaOffset(), geometry.arenaLength());
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
     */
    void submitNext(Operation operation, int freeTag, int arenaOffset, int limit) {
        long offset = operation.nextOffset();
        int pieceLength = operation.isTransfer() ? operation.nextLength(limit) : 0;
        operations[freeTag] = operation;
        offsets[freeTag] = offset;
        lengths[freeTag] = pieceLength;
        arenaOffsets[freeTag] = arenaOffset;
        if (operation.op == IoOp.WRITE && !operation.isInPlace()) {
            arena.putBytes(
                    arenaOffset, operation.buffer(), operation.bufferIndex(offset), pieceLength);
        }
        long correlationId = nextCorrelation++ << 16 | freeTag;
        correlations[freeTag] = correlationId;
        requests.write(
                correlationId,
                operation.handle(),
                operation.op,
                operation.isTransfer() ? operation.position + offset : operation.position,
                operation.isTransfer() ? pieceLength : operation.length,
                arenaOffset);
        operation.onSubmitted(pieceLength);
    }

    /**
     * The broker is gone: tells each operation, in the order of submission, which of its pieces
     * have no answer. Returns these operations, each once.
     */
    Set<Operation> lose() {
        List<Integer> tags = new ArrayList<>();
        for (int i = 0; i < depth; i++) {
            if (operations[i] != null) {
                tags.add(i);
            }
        }
        tags.sort(Comparator.comparingLong(i -> correlations[i]));
        Set<Operation> all = new LinkedHashSet<>();
        for (int lost : tags) {
            operations[lost].onLost(offsets[lost], lengths[lost]);
            all.add(operations[lost]);
            operations[lost] = null;
        }
        return all;
    }

    boolean hasResponse() {
        return responses.hasNext();
    }

    /**
     * Takes one response and tells its operation, which is returned; null where there is none. See
     * {@link #tag}.
     */
    Operation takeResponse() {
        IoResponseDecoder response = responses.poll();
        if (response == null) {
            return null;
        }
        tag = (int) response.correlationId() & TAG_MASK;
        long result = response.result();
        Operation operation = operations[tag];
        operations[tag] = null;
        if (operation.op == IoOp.READ && result > 0) {
            result = Math.min(result, lengths[tag]);
            if (!operation.isInPlace()) {
                arena.getBytes(
                        arenaOffsets[tag],
                        operation.buffer(),
                        operation.bufferIndex(offsets[tag]),
                        (int) result);
            }
        }
        operation.onCompleted(offsets[tag], lengths[tag], result);
        return operation;
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
