package org.rbdwrapper.client;

import org.rbdwrapper.client.session.OpenedImage;

import java.util.concurrent.CompletableFuture;

/** The end of a flush. */
final class PendingFlush extends CompletableFuture<Void> implements Pending {
    private final OpenedImage image;

    PendingFlush(OpenedImage image) {
        this.image = image;
    }

    @Override
    public void onDone(long result) {
        complete(null);
    }

    @Override
    public void onFailed(Throwable failure) {
        completeExceptionally(FileErrors.failure(image, failure));
    }

    @Override
    public void onRefused(Throwable failure) {
        completeExceptionally(failure);
    }
}
