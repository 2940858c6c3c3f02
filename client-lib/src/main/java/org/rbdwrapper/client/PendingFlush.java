package org.rbdwrapper.client;

import org.rbdwrapper.client.io.Completion;
import org.rbdwrapper.client.session.OpenedImage;

import java.util.concurrent.CompletableFuture;

/** The end of a flush. */
final class PendingFlush extends CompletableFuture<Void> implements Completion {
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
}
