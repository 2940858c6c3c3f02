package org.rbdwrapper.client.io;

import org.rbdwrapper.ipc.ErrnoException;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;

/** For who waits after all: a thread that found no channel of its own, or a virtual one. */
final class FutureResult extends CompletableFuture<Long> implements Completion {
    @Override
    public void onDone(long result) {
        complete(result);
    }

    @Override
    public void onFailed(ErrnoException failure) {
        completeExceptionally(failure);
    }

    long await() throws ErrnoException {
        try {
            return join();
        } catch (CompletionException e) {
            if (e.getCause() instanceof ErrnoException failure) {
                throw failure;
            }
            throw e;
        }
    }
}
