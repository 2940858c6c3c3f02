package org.rbdwrapper.broker.messenger;

import org.rbdwrapper.broker.Unexpected;
import org.rbdwrapper.broker.store.IoCompletion;
import org.rbdwrapper.broker.store.StoreImage;
import org.rbdwrapper.ipc.Errno;
import org.rbdwrapper.ipc.codec.IoOp;

import java.util.function.Consumer;

/**
 * A part of a change on its way to the store: used over and over, for one at a time. Where the
 * store does some of it only, the rest is asked for until that fails, so that who waits hears why.
 */
final class ChangePiece implements IoCompletion {
    private final int completionId;
    private final Consumer<ChangePiece> whenDone;
    private volatile boolean busy;
    private StoreImage image;
    private IoOp op;
    private long position;
    private long left;
    private long result;

    /** Of {@link LongChanges}: which it is of, and how many objects it touches. */
    LongChange change;

    int weight;

    /**
     * @param whenDone called once for each {@link #submit}, on any thread.
     */
    ChangePiece(int completionId, Consumer<ChangePiece> whenDone) {
        this.completionId = completionId;
        this.whenDone = whenDone;
    }

    void submit(StoreImage of, IoOp newOp, long newPosition, long length) {
        image = of;
        op = newOp;
        position = newPosition;
        left = length;
        busy = true;
        submit();
    }

    private void submit() {
        try {
            image.submit(op, 0, position, left, this);
        } catch (RuntimeException | Error e) {
            Unexpected.log("a piece of a change", e);
            onComplete(-Errno.EIO.number());
        }
    }

    /** After it is done: 0, or a negative error number. */
    long result() {
        return result;
    }

    @Override
    public void onComplete(long newResult) {
        if (!busy) {
            return; // a store that completes twice
        }
        if (newResult > 0 && newResult < left) {
            position += newResult;
            left -= newResult;
            submit();
            return;
        }
        result = newResult == 0 ? -Errno.EIO.number() : Math.min(newResult, 0);
        busy = false;
        whenDone.accept(this);
    }

    @Override
    public void onWhollyDone() {
        onComplete(left);
    }

    @Override
    public int completionId() {
        return completionId;
    }
}
