package org.rbdwrapper.client.io;

import org.rbdwrapper.ipc.ErrnoException;

/**
 * Who hears of an operation's end: one of the two is called once, on the channel's own thread, or
 * at once on the submitter's where the broker is gone or the image is being closed.
 */
public interface Completion {
    /**
     * @param result bytes transferred; 0 of other operations.
     */
    void onDone(long result);

    void onFailed(ErrnoException failure);
}
