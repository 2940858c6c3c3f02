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
    public void onFailed(Throwable failure) {
        completeExceptionally(failure);
    }

    long await() throws ErrnoException {
        try {
            return join();
        } catch (CompletionException e) {
            switch (e.getCause()) {
                case ErrnoException failure -> throw failure;
                case RuntimeException failure -> throw failure;
                case Error failure -> throw failure;
                case null, default -> throw e;
            }
        }
    }
}
