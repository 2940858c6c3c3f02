package org.rbdwrapper.broker.messenger;

import org.rbdwrapper.broker.store.IoCompletion;
import org.rbdwrapper.broker.store.StoreImage;
import org.rbdwrapper.ipc.Errno;
import org.rbdwrapper.ipc.codec.IoOp;
import org.rbdwrapper.ipc.segment.ClientWaker;
import org.rbdwrapper.ipc.segment.ResponseRingWriter;

/**
 * One request between submission and response: one object for each tag of a channel, used over and
 * over.
 *
 * <p>Started by the messenger's thread, completed by any one thread of the store.
 */
final class InFlightRequest implements IoCompletion, LongChange.Owner {
    private static final long NONE = -1;

    private final int completionId;
    private final ResponseRingWriter responses;
    private final ClientWaker waker;
    private final UserFlow user;
    private final LargeTransfers largeTransfers;
    private final ChannelStall stall;
    private volatile boolean busy;
    private long correlationId;
    private OpenHandle handle;
    private StoreImage instance; // which has the request
    private boolean isUnseen;
    private boolean changes;
    private long wholeResult;
    private long changesToFlush;
    private long transferLength;
    private int starts;

    // of a change that may have to wait: see LogicalEnds
    private IoOp op;
    private long address;
    private long position;
    private long length;
    private long begin;
    private boolean hasZeroes;

    /** Of {@link LogicalEnds}' queue, with its lock. */
    InFlightRequest next;

    // of who looks at it now and then: see age
    private int seenStart;
    private long seenAt;

    /**
     * @param stall of the channel: opened when the request has ended.
     */
    InFlightRequest(
            int completionId,
            ResponseRingWriter responses,
            ClientWaker waker,
            UserFlow user,
            LargeTransfers largeTransfers,
            ChannelStall stall) {
        this.completionId = completionId;
        this.responses = responses;
        this.waker = waker;
        this.user = user;
        this.largeTransfers = largeTransfers;
        this.stall = stall;
    }

    /** Messenger: true between {@link #start} and the response. */
    boolean isBusy() {
        return busy;
    }

    /** Messenger: of a transfer that has not ended and is not one of {@link LargeTransfers}. */
    long smallBytesUnderWay() {
        return busy && transferLength < LargeTransfers.MIN_LENGTH ? transferLength : 0;
    }

    /**
     * Messenger: the request is about to be submitted.
     *
     * @param op with what the image holds: FLUSH brings changes before it to the store.
     * @param newWholeResult what a change that was wholly done answers.
     * @param newTransferLength bytes that {@link TransferWindow} has admitted; 0: no transfer.
     */
    void start(
            long newCorrelationId,
            OpenHandle onHandle,
            IoOp op,
            long newWholeResult,
            long newTransferLength) {
        correlationId = newCorrelationId;
        transferLength = newTransferLength;
        wholeResult = newWholeResult;
        changes = op != IoOp.READ && op != IoOp.FLUSH;
        changesToFlush = op == IoOp.FLUSH ? onHandle.changesToFlush() : NONE;
        handle = onHandle;
        instance = onHandle.image();
        isUnseen = changes && op != IoOp.WRITE && op != IoOp.DISCARD && op != IoOp.WRITE_ZEROES;
        starts++;
        busy = true;
        onHandle.onRequestStart(changes);
    }

    /**
     * Messenger, after {@link #start}: what is to be submitted by {@link #submit}, or a truncation.
     */
    InFlightRequest put(IoOp newOp, long newAddress, long newPosition, long newLength) {
        op = newOp;
        address = newAddress;
        position = newPosition;
        length = newLength;
        return this;
    }

    /** Of a truncation. */
    void ofFile(long newBegin) {
        begin = newBegin;
        hasZeroes = false;
    }

    /** Zeroes are written for it. */
    void onZeroes() {
        hasZeroes = true;
    }

    /** Of an EXTEND that is done: without zeroes it has changed nothing, and moves no times. */
    void answerExtension() {
        changes = hasZeroes;
        onComplete(0);
    }

    boolean isTruncation() {
        return op == IoOp.TRUNCATE || op == IoOp.EXTEND;
    }

    StoreImage image() {
        return instance;
    }

    /** In the image; of a truncation: the end. */
    long position() {
        return position;
    }

    long length() {
        return length;
    }

    /** Of a truncation: where in the image its file begins. */
    long begin() {
        return begin;
    }

    /** Of a truncation: where in the image its file ends at the latest. */
    long limit() {
        return begin + length;
    }

    /** Of a truncation. */
    boolean mayOnlyGrow() {
        return op == IoOp.EXTEND;
    }

    /** Any thread, after {@link #put}. */
    void submit() {
        if (op != IoOp.WRITE && LongChange.isLong(instance, length)) {
            user.longChanges().submit(new LongChange(this, user, instance, op, position, length));
        } else {
            instance.submit(op, address, position, length, this);
        }
    }

    /** Whose it is. */
    UserFlow user() {
        return user;
    }

    /**
     * Its client has gone, or has lost the image. Not where it has closed the image only: it may
     * wait for the answer before it uses the tag again.
     */
    @Override
    public boolean isUnwanted() {
        return stall.isGone() || handle.isRevoked();
    }

    /** It is not without an answer for long because of its length: see {@link #age}. */
    @Override
    public void onProgress() {
        starts++;
    }

    @Override
    public void onDone() {
        onWhollyDone();
    }

    @Override
    public void onFailed(long result) {
        onComplete(result);
    }

    @Override
    public void onStopped() {
        drop();
    }

    /**
     * Of an unwanted one that was not begun, or not done to its end. Who comes back makes it again,
     * as it has no answer; who has lost its image hears of that.
     */
    void drop() {
        if (handle.isRevoked()) {
            onComplete(-Errno.ESHUTDOWN.number());
        } else {
            OpenHandle on = handle;
            long transferred = transferLength;
            on.onChanged(); // some zeroes may have been written for it
            busy = false;
            makeRoom(transferred);
            on.onRequestDone();
        }
    }

    /**
     * One thread at a time, now and then: for how long the request that is under way has been seen
     * here, so that none need be timed for it.
     *
     * @return nanoseconds; 0 where there is none, or it is seen for the first time.
     */
    long age(long now) {
        if (!busy) {
            return 0;
        }
        // busy may be an earlier request's than this count: then the later one is under way, too
        if (seenStart != starts) {
            seenStart = starts;
            seenAt = now;
        }
        return now - seenAt;
    }

    /** As {@link #age}: whose request it is or was. */
    OpenHandle handle() {
        return handle;
    }

    @Override
    public void onComplete(long result) {
        OpenHandle on = handle;
        StoreImage of = instance;
        long id = correlationId;
        long transferred = transferLength;
        if (!busy) {
            return; // a store that completes twice must not answer somebody else's request
        }
        if (changes) {
            if (isUnseen && result >= 0) {
                of.touch();
            } else {
                of.onChanged();
            }
            on.onChanged(); // though it failed: some of it may be done
        } else if (changesToFlush != NONE && result == 0) {
            on.onFlushed(changesToFlush);
        } else if (result > 0) {
            of.onRead();
        }
        if (result < 0) {
            on.answers().onFailure(result);
        }
        // free before the client can know: it may use the tag again as soon as it sees the response
        busy = false;
        responses.write(id, result);
        waker.wakeIfWaiting();
        makeRoom(transferred);
        // last: after this the segment may be unmapped, and messengers be closed
        on.onRequestDone();
    }

    /** When it is not busy any more: who was kept waiting for that looks at busy. */
    private void makeRoom(long transferred) {
        if (transferred >= LargeTransfers.MIN_LENGTH) {
            largeTransfers.end(transferred);
        }
        if (stall.isClosed()) {
            stall.open();
        }
    }

    @Override
    public void onWhollyDone() {
        onComplete(wholeResult);
    }

    @Override
    public int completionId() {
        return completionId;
    }
}
