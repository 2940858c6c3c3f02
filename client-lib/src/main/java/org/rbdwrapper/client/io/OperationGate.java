package org.rbdwrapper.client.io;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Lets operations begin until it is closed, and then tells when the last of them has ended.
 *
 * <p>Any thread.
 */
public final class OperationGate {
    private static final int CLOSED = Integer.MIN_VALUE;

    /** Operations that have begun and not ended, and {@link #CLOSED} added. */
    private final AtomicInteger state = new AtomicInteger();

    private final CompletableFuture<Void> idle = new CompletableFuture<>();

    public boolean isOpen() {
        return state.get() >= 0;
    }

    /**
     * An operation begins.
     *
     * @return false where this is closed; {@link #end} does not follow.
     */
    public boolean begin() {
        if (state.getAndIncrement() < 0) {
            end();
            return false;
        }
        return true;
    }

    /** Once for each {@link #begin} that was true. */
    public void end() {
        if (state.decrementAndGet() == CLOSED) {
            idle.complete(null);
        }
    }

    /** Nothing begins any more. True for the one caller that closes it. */
    public boolean close() {
        int before = state.getAndUpdate(value -> value | CLOSED);
        if (before == 0) {
            idle.complete(null);
        }
        return before >= 0;
    }

    /** After {@link #close}: returns when what has begun has ended, whatever interrupts. */
    public void awaitIdle() {
        idle.join();
    }

    /**
     * After {@link #close}: waits so long, or until the thread is interrupted.
     *
     * @return whether what has begun has ended.
     */
    boolean awaitIdle(long nanos) throws InterruptedException {
        try {
            idle.get(nanos, TimeUnit.NANOSECONDS);
            return true;
        } catch (TimeoutException e) {
            return false;
        } catch (ExecutionException e) {
            throw new IllegalStateException(e); // nobody fails it
        }
    }
}
