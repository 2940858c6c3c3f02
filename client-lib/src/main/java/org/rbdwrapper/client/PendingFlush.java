package org.rbdwrapper.client;

import org.rbdwrapper.client.io.Completion;
import org.rbdwrapper.ipc.ErrnoException;

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
    public void onFailed(ErrnoException failure) {
        completeExceptionally(file.exception(failure));
    }
}
