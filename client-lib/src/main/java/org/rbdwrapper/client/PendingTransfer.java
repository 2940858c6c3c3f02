package org.rbdwrapper.client;

import org.rbdwrapper.client.io.BufferHold;
import org.rbdwrapper.client.session.OpenedImage;

import java.util.concurrent.CompletableFuture;

/**
 * The bytes that a transfer will have moved. One object for what the program holds and what the
 * channel tells.
 *
 * <p>A program that completes it takes its buffer back: it says so, waits for a copy that is under
 * way, and only then is the future complete. The channel, which copies under its lock, either comes
 * before that or sees it. Any thread.
 */
class PendingTransfer extends CompletableFuture<Integer> implements Pending {
    private final OpenedImage image; // not the file, which who keeps this may lose
    private final boolean isRead;
    private volatile BufferHold hold; // null before anything can be copied
    private volatile boolean givenUp;

    PendingTransfer(OpenedImage image, boolean isRead) {
        this.image = image;
        this.isRead = isRead;
    }

    @Override
    public void onHeld(BufferHold by) {
        hold = by;
    }

    @Override
    public boolean isGivenUp() {
        return givenUp;
    }

    @Override
    public void onDone(long result) {
        super.complete(isRead && result == 0 ? -1 : (int) result);
    }

    @Override
    public void onFailed(Throwable failure) {
        super.completeExceptionally(FileErrors.failure(image, failure));
    }

    @Override
    public void onRefused(Throwable failure) {
        super.completeExceptionally(failure);
    }

    @Override
    public boolean cancel(boolean mayInterruptIfRunning) {
        giveUp();
        return super.cancel(mayInterruptIfRunning);
    }

    @Override
    public boolean complete(Integer value) {
        giveUp();
        return super.complete(value);
    }

    @Override
    public boolean completeExceptionally(Throwable failure) {
        giveUp();
        return super.completeExceptionally(failure);
    }

    @Override
    public void obtrudeValue(Integer value) {
        giveUp();
        super.obtrudeValue(value);
    }

    @Override
    public void obtrudeException(Throwable failure) {
        giveUp();
        super.obtrudeException(failure);
    }

    /** The buffer is the program's again when this returns; it completes the future then. */
    void giveUp() {
        if (isDone()) {
            return;
        }
        givenUp = true;
        BufferHold holder = hold; // who comes later sees that it is given up
        if (holder != null) {
            holder.awaitNoCopy();
        }
    }
}
