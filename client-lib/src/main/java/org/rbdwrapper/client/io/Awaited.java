package org.rbdwrapper.client.io;

import org.rbdwrapper.ipc.ErrnoException;

import java.util.concurrent.locks.LockSupport;

/**
 * The end of what another thread does for the one that has made this, and that waits for it. It
 * does so whatever memory there is, since a call that was left would leave behind what the other
 * thread works on: neither to tell the end nor to wait for it allocates anything.
 */
public abstract class Awaited {
    private final Thread waiting = Thread.currentThread();
    private Throwable failure;
    private volatile boolean done;

    /** The other thread; the first end counts, and another only wakes who waits. */
    protected final void end(Throwable newFailure) {
        if (!done) {
            failure = newFailure;
            done = true;
        }
        LockSupport.unpark(waiting);
    }

    public final boolean isDone() {
        return done;
    }

    /** Returns at the end, whatever interrupts, or throws what that was. */
    protected final void awaitEnd() throws ErrnoException {
        boolean interrupted = false;
        while (!done) {
            try {
                LockSupport.park(this);
            } catch (OutOfMemoryError e) { // there is no place for a virtual thread's stack
                Thread.onSpinWait();
            }
            interrupted |= Thread.interrupted(); // or it would not park again
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
        switch (failure) {
            case null -> {}
            case ErrnoException e -> throw e;
            case RuntimeException e -> throw e;
            case Error e -> throw e;
            case Throwable e -> throw new IllegalStateException(e);
        }
    }
}
