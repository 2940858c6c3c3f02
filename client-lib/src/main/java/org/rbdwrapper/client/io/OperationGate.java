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
    private static final long HELP_NANOS = 20_000_000;

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

    /**
     * After {@link #close}: returns when what has begun has ended, whatever interrupts, and
     * whatever memory there is.
     *
     * @param help allocates nothing, and is called every 20 ms as long as that takes: it may be
     *     that somebody else waits for the caller.
     */
    public void awaitIdle(Runnable help) {
        boolean interrupted = false;
        while (!idle.isDone()) {
            try {
                idle.get(HELP_NANOS, TimeUnit.NANOSECONDS);
            } catch (InterruptedException e) {
                interrupted = true;
            } catch (TimeoutException e) {
                help.run();
            } catch (OutOfMemoryError e) { // there was none to wait
                LowMemory.pause();
                help.run();
            } catch (ExecutionException e) {
                throw new IllegalStateException(e); // nobody fails it
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
