package org.rbdwrapper.broker.messenger;

import static org.rbdwrapper.ipc.segment.SegmentDescriptor.REQUEST_RING_OFFSET;
import static org.rbdwrapper.ipc.segment.SegmentDescriptor.TAG_MASK;

import org.agrona.concurrent.UnsafeBuffer;
import org.rbdwrapper.broker.store.CompletionRegistry;
import org.rbdwrapper.broker.store.StoreImage;
import org.rbdwrapper.ipc.Errno;
import org.rbdwrapper.ipc.codec.IoOp;
import org.rbdwrapper.ipc.codec.IoRequestDecoder;
import org.rbdwrapper.ipc.segment.ClientWaker;
import org.rbdwrapper.ipc.segment.CrowdNotice;
import org.rbdwrapper.ipc.segment.RequestRingReader;
import org.rbdwrapper.ipc.segment.ResponseRingWriter;
import org.rbdwrapper.ipc.segment.SegmentGeometry;

/**
 * The broker's side of a channel: takes requests from the ring, validates the private copy of each,
 * and submits it to its image with the arena's address.
 *
 * <p>Owned by one messenger's thread. Allocates nothing after construction.
 *
 * <p>What a correct client cannot do (a record of another length, a tag in use, an address outside
 * the arena) ends the session; what its program can do (a position past the end, a closed handle)
 * is answered with an error number.
 */
final class BrokerChannel {
    /** By number; IoOp.get throws for a number that it does not know. */
    private static final IoOp[] OPS = {
        IoOp.NULL_VAL,
        IoOp.READ,
        IoOp.WRITE,
        IoOp.FLUSH,
        IoOp.DISCARD,
        IoOp.WRITE_ZEROES,
        IoOp.TRUNCATE,
        IoOp.EXTEND
    };

    private final RequestRingReader requests;
    private final ResponseRingWriter responses;
    private final ClientWaker waker;
    private final CrowdNotice crowdNotice;
    private final InFlightRequest[] inFlight;
    private final HandleTable handles;
    private final ChannelStall stall = new ChannelStall();
    private final TransferWindow window;
    private final long arenaAddress;
    private final int arenaLength;
    private String violation = "";
    private long bytes;

    /** The request that was taken last waits for room: see {@link TransferWindow}. */
    private boolean held;

    /**
     * @param address of the channel in this process.
     * @param user whose it is.
     */
    BrokerChannel(long address, SegmentGeometry geometry, HandleTable handles, UserFlow user) {
        this.handles = handles;
        this.requests =
                new RequestRingReader(
                        new UnsafeBuffer(
                                address + REQUEST_RING_OFFSET, geometry.requestRingLength()));
        this.responses =
                new ResponseRingWriter(
                        new UnsafeBuffer(
                                address + geometry.responseRingOffset(),
                                geometry.responseRingLength()));
        UnsafeBuffer control = new UnsafeBuffer(address, REQUEST_RING_OFFSET);
        this.waker = new ClientWaker(control);
        this.crowdNotice = new CrowdNotice(control);
        this.arenaAddress = address + geometry.arenaOffset();
        this.arenaLength = geometry.arenaLength();
        LargeTransfers large = new LargeTransfers(user);
        this.inFlight = new InFlightRequest[geometry.depth()];
        for (int i = 0; i < inFlight.length; i++) {
            inFlight[i] =
                    CompletionRegistry.instance()
                            .register(
                                    id ->
                                            new InFlightRequest(
                                                    id, responses, waker, user, large, stall));
        }
        this.window = new TransferWindow(inFlight, arenaLength, large, stall);
    }

    /** Before the first request: {@link ChannelStall#wakeBy}. */
    void wakeBy(Runnable wake) {
        stall.wakeBy(wake);
    }

    /** One load of shared memory; false also where the next request has to wait. */
    boolean hasNext() {
        return held ? !stall.isClosed() : requests.hasNext();
    }

    /**
     * Takes and submits at most {@code limit} requests.
     *
     * @return how many, or -1 where the client broke the protocol: see {@link #violation}.
     */
    int drain(int limit) {
        int taken = 0;
        while (taken < limit) {
            boolean wasHeld = held;
            if (!wasHeld) {
                RequestRingReader.Poll poll = requests.poll();
                if (poll == RequestRingReader.Poll.EMPTY) {
                    break;
                }
                if (poll == RequestRingReader.Poll.VIOLATION) {
                    violation = requests.violation();
                    return -1;
                }
            }
            held = false;
            if (!onRequest(requests.request())) {
                return -1;
            }
            if (held) {
                break; // so that requests are submitted in their order
            }
            responses.clearAhead();
            if (wasHeld) {
                stall.leave();
            }
            taken++;
        }
        return taken;
    }

    /** Whether the channel's client should not look for long. */
    void tellCrowd(boolean isCrowd) {
        crowdNotice.put(isCrowd);
    }

    /** Read or written by the requests that were taken since the last call. */
    long takeBytes() {
        long taken = bytes;
        bytes = 0;
        return taken;
    }

    /** What the client did that no correct client does. */
    String violation() {
        return violation;
    }

    /**
     * One thread at a time, now and then: tells {@link StoreAnswers} of requests under way for so
     * long.
     */
    void findUnanswered(long now, long nanos) {
        for (InFlightRequest request : inFlight) {
            long age = request.age(now);
            if (age >= nanos) {
                request.handle().answers().onUnanswered(age);
            }
        }
    }

    /**
     * Its session has ended: nothing is taken any more, and what has not begun need not. A request
     * that waits for room counts as not made.
     */
    void stop() {
        stall.end();
    }

    /** After the last handle of the session is drained. */
    void release() {
        stall.leave();
        for (InFlightRequest request : inFlight) {
            CompletionRegistry.instance().release(request);
        }
    }

    private boolean onRequest(IoRequestDecoder request) {
        long correlationId = request.correlationId();
        int tag = (int) correlationId & TAG_MASK;
        if (tag >= inFlight.length) {
            violation = "tag " + tag + " where the depth is " + inFlight.length;
            return false;
        }
        InFlightRequest slot = inFlight[tag];
        if (slot.isBusy()) {
            violation = "tag " + tag + " used again before its response";
            return false;
        }
        IoOp op = op(request.opRaw());
        long position = request.position();
        long length = request.length();
        long arenaOffset = request.arenaOffset();
        boolean transfer = op == IoOp.READ || op == IoOp.WRITE;
        if (transfer
                && (length < 0 || length > arenaLength || arenaOffset > arenaLength - length)) {
            violation =
                    "a transfer of "
                            + length
                            + " bytes at "
                            + arenaOffset
                            + " where the arena has "
                            + arenaLength;
            return false;
        }
        OpenHandle handle = handles.find((int) request.handle());
        if (handle == null) {
            refuse(correlationId, Errno.EBADF);
            return true;
        }
        if (handle.isRevoked()) {
            refuse(correlationId, Errno.ESHUTDOWN);
            return true;
        }
        switch (op) {
            case READ -> read(slot, correlationId, handle, position, length, arenaOffset);
            case WRITE, DISCARD, WRITE_ZEROES ->
                    change(slot, correlationId, handle, op, position, length, arenaOffset);
            case FLUSH -> submit(slot, correlationId, handle, IoOp.FLUSH, 0, 0, 0);
            case TRUNCATE, EXTEND ->
                    truncate(slot, correlationId, handle, op, position, request.begin(), length);
            case NULL_VAL ->
                    refuse(correlationId, Errno.EOPNOTSUPP); // of a later protocol, perhaps
        }
        return true;
    }

    private static IoOp op(int value) {
        return value < OPS.length ? OPS[value] : IoOp.NULL_VAL;
    }

    private void read(
            InFlightRequest slot,
            long correlationId,
            OpenHandle handle,
            long position,
            long length,
            long arenaOffset) {
        if (!handle.readable()) {
            refuse(correlationId, Errno.EBADF);
        } else if (position < 0) {
            refuse(correlationId, Errno.EINVAL);
        } else {
            long left = handle.image().size() - position;
            if (left <= 0 || length == 0) {
                answer(correlationId, 0);
            } else {
                submit(
                        slot,
                        correlationId,
                        handle,
                        IoOp.READ,
                        position,
                        Math.min(length, left),
                        arenaOffset);
            }
        }
    }

    private void change(
            InFlightRequest slot,
            long correlationId,
            OpenHandle handle,
            IoOp op,
            long position,
            long length,
            long arenaOffset) {
        if (!handle.writable()) {
            refuse(correlationId, Errno.EBADF);
        } else if (position < 0 || length < 0) {
            refuse(correlationId, Errno.EINVAL);
        } else if (length == 0) {
            answer(correlationId, 0);
        } else {
            long left = handle.image().size() - position;
            if (left > 0) {
                submit(
                        slot,
                        correlationId,
                        handle,
                        op,
                        position,
                        Math.min(length, left),
                        arenaOffset);
            } else if (op == IoOp.DISCARD) {
                answer(correlationId, 0); // nothing is there
            } else {
                refuse(correlationId, Errno.ENOSPC);
            }
        }
    }

    /**
     * @param position where in the image the file's new end is.
     * @param begin where in the image the file begins.
     * @param length of the file, at most.
     */
    private void truncate(
            InFlightRequest slot,
            long correlationId,
            OpenHandle handle,
            IoOp op,
            long position,
            long begin,
            long length) {
        if (!handle.writable()) {
            refuse(correlationId, Errno.EBADF);
        } else if (begin < 0 || length < 0 || length > Long.MAX_VALUE - begin || position < begin) {
            refuse(correlationId, Errno.EINVAL);
        } else if (position > Math.min(begin + length, handle.image().size())) {
            refuse(correlationId, Errno.ENOSPC);
        } else {
            slot.start(correlationId, handle, op, 0, 0);
            slot.put(op, 0, position, length).ofFile(begin);
            handle.ends().submit(slot);
        }
    }

    private void submit(
            InFlightRequest slot,
            long correlationId,
            OpenHandle handle,
            IoOp op,
            long position,
            long length,
            long arenaOffset) {
        StoreImage image = handle.image();
        boolean transfer = op == IoOp.READ || op == IoOp.WRITE;
        if (transfer) {
            if (!window.admit(length)) {
                held = true;
                return;
            }
            bytes += length;
        }
        slot.start(correlationId, handle, op, op == IoOp.READ ? 0 : length, transfer ? length : 0);
        if (handle.ends().areSome() && (op == IoOp.WRITE || op == IoOp.WRITE_ZEROES)) {
            slot.put(op, arenaAddress + arenaOffset, position, length);
            handle.ends().submit(slot); // whatever it throws, it may have queued the slot
            return;
        }
        if (!transfer && LongChange.isLong(image, length)) {
            slot.put(op, 0, position, length).submit(); // likewise
            return;
        }
        try {
            image.submit(op, arenaAddress + arenaOffset, position, length, slot);
        } catch (RuntimeException | Error e) {
            slot.onComplete(-Errno.EIO.number()); // or its session would be held for it for ever
            throw e;
        }
    }

    private void refuse(long correlationId, Errno errno) {
        answer(correlationId, -errno.number());
    }

    private void answer(long correlationId, long result) {
        responses.write(correlationId, result);
        waker.wakeIfWaiting();
    }
}
