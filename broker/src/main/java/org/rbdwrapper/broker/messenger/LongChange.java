package org.rbdwrapper.broker.messenger;

import org.rbdwrapper.broker.store.StoreImage;
import org.rbdwrapper.ipc.codec.IoOp;

/**
 * A DISCARD or WRITE_ZEROES of more than an object, which goes to the store in pieces. Owned by
 * {@link LongChanges} once it is submitted there.
 */
final class LongChange {
    /** Whom it is for. Called by {@link LongChanges}; exactly one of the ends is called, once. */
    interface Owner {
        /** Nobody waits for it any more: no more pieces. Any thread. */
        boolean isUnwanted();

        /** Some of it is done. */
        void onProgress();

        void onDone();

        /**
         * Some of it may be done.
         *
         * @param result a negative error number: the first that there was.
         */
        void onFailed(long result);

        /** It was unwanted before all of it was done. */
        void onStopped();
    }

    final UserFlow user;
    final StoreImage image;
    final IoOp op;
    final long end;
    private final Owner owner;

    /** Bytes of the image before it are sent, as far as they are of the change. */
    long next;

    int piecesUnderWay;
    boolean queued;
    private long failure;

    /**
     * @param image open until the change has ended.
     * @param position bytes from the image's start.
     */
    LongChange(Owner owner, UserFlow user, StoreImage image, IoOp op, long position, long length) {
        this.owner = owner;
        this.user = user;
        this.image = image;
        this.op = op;
        this.next = position;
        this.end = position + length;
    }

    /** Whether one has to be submitted here: others touch two objects at most, as a write does. */
    static boolean isLong(StoreImage image, long length) {
        return length > image.objectSize();
    }

    /** All of it was sent. */
    boolean isSent() {
        return next >= end;
    }

    /** No more pieces of it are to be sent. */
    boolean isOver() {
        return failure != 0 || isSent() || owner.isUnwanted();
    }

    boolean isUnwanted() {
        return owner.isUnwanted();
    }

    void onPieceDone(long result) {
        piecesUnderWay--;
        if (result >= 0) {
            owner.onProgress();
        } else {
            fail(result);
        }
    }

    void fail(long result) {
        if (failure == 0) {
            failure = result;
        }
    }

    /** It is over, and none of its pieces is under way. */
    void finish() {
        if (failure != 0) {
            owner.onFailed(failure);
        } else if (isSent()) {
            owner.onDone();
        } else {
            owner.onStopped();
        }
    }
}
