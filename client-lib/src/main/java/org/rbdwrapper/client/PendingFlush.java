package org.rbdwrapper.client;

import org.rbdwrapper.client.io.Completion;

import java.util.concurrent.CompletableFuture;

/** The end of a flush. */
final class PendingFlush extends CompletableFuture<Void> implements Completion {
    private final RbdFile file;

    PendingFlush(RbdFile file) {
        this.file = file;
    }

    @Override
    public void onDone(long result) {
        complete(null);
    }

    @Override
    public void onFailed(Throwable failure) {
        completeExceptionally(file.exception(failure));
    }
}
