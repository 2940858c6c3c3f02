package org.rbdwrapper.client.io;

import org.rbdwrapper.ipc.ErrnoException;

/** For who waits after all: a thread that found no channel of its own, or a virtual one. */
final class AwaitedResult extends Awaited implements Completion {
    private long result;

    @Override
    public void onDone(long newResult) {
        if (!isDone()) {
            result = newResult;
        }
        end(null);
    }

    @Override
    public void onFailed(Throwable failure) {
        end(failure);
    }

    long await() throws ErrnoException {
        awaitEnd();
        return result;
    }
}
