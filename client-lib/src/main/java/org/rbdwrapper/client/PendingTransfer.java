package org.rbdwrapper.client;

import org.rbdwrapper.client.io.Completion;
import org.rbdwrapper.ipc.ErrnoException;

import java.util.concurrent.CompletableFuture;

/**
 * The bytes that a transfer will have moved. One object for what the program holds and what the
 * channel tells.
 */
final class PendingTransfer extends CompletableFuture<Integer> implements Completion {
    private final RbdFile file;
    private final boolean isRead;

    PendingTransfer(RbdFile file, boolean isRead) {
        this.file = file;
        this.isRead = isRead;
    }

    @Override
    public void onDone(long result) {
        complete(isRead && result == 0 ? -1 : (int) result);
    }

    @Override
    public void onFailed(ErrnoException failure) {
        completeExceptionally(file.exception(failure));
    }
}
