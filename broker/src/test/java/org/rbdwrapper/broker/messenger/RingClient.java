package org.rbdwrapper.broker.messenger;

import static org.rbdwrapper.ipc.segment.SegmentDescriptor.MIN_ARENA_LENGTH;
import static org.rbdwrapper.ipc.segment.SegmentDescriptor.REQUEST_RING_OFFSET;
import static org.rbdwrapper.ipc.segment.SegmentDescriptor.TAG_MASK;

import org.agrona.concurrent.UnsafeBuffer;
import org.rbdwrapper.broker.store.StoreImage;
import org.rbdwrapper.ipc.codec.IoOp;
import org.rbdwrapper.ipc.codec.IoResponseDecoder;
import org.rbdwrapper.ipc.segment.RequestRingWriter;
import org.rbdwrapper.ipc.segment.ResponseRingReader;
import org.rbdwrapper.ipc.segment.SegmentGeometry;

import java.lang.foreign.Arena;
import java.util.HashMap;
import java.util.Map;

/**
 * A client's channel and the broker's side of it, without a broker in between: for tests of what
 * stands behind a channel. One thread, which is both.
 */
final class RingClient implements AutoCloseable {
    static final int DEPTH = 8;

    /** A tag that nobody has. */
    static final int NO_ROOM = -1;

    private final SegmentGeometry geometry;
    private final Arena memory = Arena.ofShared();
    private final UnsafeBuffer channel;
    private final RequestRingWriter requests;
    private final ResponseRingReader responses;
    private final HandleTable table = new HandleTable();
    private final FlowControl flows;
    private final UserFlow user;
    private final BrokerChannel reader;
    private final Map<Integer, Long> answers = new HashMap<>();
    private int busyTags;
    private int handles;
    private int wakes;

    RingClient() {
        this(unbounded(), 0);
    }

    /**
     * @param uid whose it is to these.
     */
    RingClient(FlowControl flows, int uid) {
        this(flows, uid, MIN_ARENA_LENGTH);
    }

    RingClient(FlowControl flows, int uid, int arenaLength) {
        this.flows = flows;
        geometry = new SegmentGeometry(1, DEPTH, arenaLength);
        user = flows.enter(uid);
        channel = new UnsafeBuffer(memory.allocate(geometry.channelStride(), 4096).asByteBuffer());
        long address = channel.addressOffset();
        requests =
                new RequestRingWriter(
                        new UnsafeBuffer(
                                address + REQUEST_RING_OFFSET, geometry.requestRingLength()));
        responses =
                new ResponseRingReader(
                        new UnsafeBuffer(
                                address + geometry.responseRingOffset(),
                                geometry.responseRingLength()));
        reader = new BrokerChannel(address, geometry, table, user);
        reader.wakeBy(() -> wakes++);
    }

    /** Instead of counting: for messengers with a thread. */
    void wakeBy(Runnable wake) {
        reader.wakeBy(wake);
    }

    /** Long changes go on in who comes. */
    static FlowControl unbounded() {
        return new FlowControl(Long.MAX_VALUE, Long.MAX_VALUE, 0, Runnable::run);
    }

    int arenaLength() {
        return geometry.arenaLength();
    }

    /** Bytes that one request moves at most. */
    int maxTransfer() {
        return geometry.arenaLength() / DEPTH;
    }

    OpenHandle open(StoreImage image, LogicalEnds ends) {
        int number = HandleTable.number(handles++ % HandleTable.CAPACITY, 1);
        OpenHandle handle =
                new OpenHandle(
                        number,
                        true,
                        true,
                        false,
                        image,
                        new ChangeCounter(),
                        new StoreAnswers("tested"),
                        ends,
                        RequestLedger.inHeap().countersOf(number));
        table.add(handle);
        return handle;
    }

    /** No more requests of it come; what it has under way may yet end. */
    void leave(OpenHandle handle, Runnable drained) {
        table.remove(handle);
        handle.retire(drained);
    }

    /** Its image was unmapped by force. */
    void revoke(OpenHandle handle, Runnable drained) {
        handle.revoke(drained);
        user.longChanges().onUnwanted();
    }

    int write(OpenHandle handle, long position, byte[] bytes) {
        int tag = takeTag();
        int offset = tag * maxTransfer();
        channel.putBytes(geometry.arenaOffset() + offset, bytes);
        return submit(tag, handle, IoOp.WRITE, position, bytes.length, offset, 0);
    }

    int submit(OpenHandle handle, IoOp op, long position, long length) {
        return submit(takeTag(), handle, op, position, length, 0, 0);
    }

    /** Makes a request of the arena's first bytes, which the broker's side has yet to look at. */
    int request(OpenHandle handle, IoOp op, long position, long length) {
        int tag = takeTag();
        requests.write(tag, handle.handle(), op, position, length, 0, 0);
        return tag;
    }

    /** The broker's side looks: how many requests it has taken. */
    int drain() {
        return reader.drain(DEPTH);
    }

    /** Whether the broker's side would look. */
    boolean hasNext() {
        return reader.hasNext();
    }

    /** How often its messenger was woken. */
    int wakes() {
        return wakes;
    }

    /** As a session that has ended, or is to. */
    void stop() {
        reader.stop();
        user.longChanges().onUnwanted();
    }

    /**
     * @param end in the file.
     */
    int truncate(OpenHandle handle, IoOp op, long begin, long length, long end) {
        return submit(takeTag(), handle, op, begin + end, length, 0, begin);
    }

    boolean isAnswered(int tag) {
        for (IoResponseDecoder next = responses.poll(); next != null; next = responses.poll()) {
            answers.put((int) next.correlationId() & TAG_MASK, next.result());
        }
        return answers.containsKey(tag);
    }

    /** Of one that {@link #isAnswered}; the tag is free again. */
    long takeAnswer(int tag) {
        busyTags &= ~(1 << tag);
        return answers.remove(tag);
    }

    long await(int tag) {
        while (!isAnswered(tag)) {
            Thread.onSpinWait();
        }
        return takeAnswer(tag);
    }

    /** Nothing is under way. */
    @Override
    public void close() {
        reader.release();
        flows.leave(user);
        memory.close();
    }

    private int takeTag() {
        int tag = Integer.numberOfTrailingZeros(~busyTags);
        if (tag >= DEPTH) {
            throw new IllegalStateException("too many requests at a time");
        }
        busyTags |= 1 << tag;
        return tag;
    }

    private int submit(
            int tag,
            OpenHandle handle,
            IoOp op,
            long position,
            long length,
            int arenaOffset,
            long begin) {
        requests.write(tag, handle.handle(), op, position, length, arenaOffset, begin);
        if (reader.drain(1) != 1) {
            throw new IllegalStateException("not taken: " + reader.violation());
        }
        return tag;
    }
}
