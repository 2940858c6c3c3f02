package org.rbdwrapper.client;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;

/**
 * A write and the flush that follows it. A program that completes it gives up the write, whose
 * buffer is its own again.
 */
final class SyncedWrite extends CompletableFuture<Integer> {
    private final PendingTransfer write;

    /**
     * @param synced the end of both.
     */
    SyncedWrite(PendingTransfer write, CompletableFuture<Integer> synced) {
        this.write = write;
        CompletableFuture<Integer> _ =
                synced.whenComplete(
                        (done, failure) -> {
                            if (failure == null) {
                                super.complete(done);
                            } else {
                                super.completeExceptionally(unwrapped(failure));
                            }
                        });
    }

    /** Stages that depend on others wrap what those fail with; a single operation does not. */
    private static Throwable unwrapped(Throwable failure) {
        return failure instanceof CompletionException && failure.getCause() != null
                ? failure.getCause()
                : failure;
    }

    @Override
    public boolean cancel(boolean mayInterruptIfRunning) {
        write.giveUp();
        boolean cancelled = super.cancel(mayInterruptIfRunning);
        write.cancel(mayInterruptIfRunning); // who waits for it to flush does not wait in vain
        return cancelled;
    }

    @Override
    public boolean complete(Integer value) {
        write.giveUp();
        boolean completed = super.complete(value);
        write.cancel(false);
        return completed;
    }

    @Override
    public boolean completeExceptionally(Throwable failure) {
        write.giveUp();
        boolean completed = super.completeExceptionally(failure);
        write.cancel(false);
        return completed;
    }
}
