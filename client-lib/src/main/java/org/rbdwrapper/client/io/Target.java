package org.rbdwrapper.client.io;

import org.rbdwrapper.ipc.Errno;

/** The image that an operation is of. Any thread. */
public interface Target {
    /** Positive; no other target of this process has it that was opened lately. */
    int number();

    /** False from when it is being closed: what has not begun by then is refused. */
    boolean isOpen();

    /** Passed by operations that have no {@link SyncChannel}: it is not closed before they end. */
    OperationGate gate();

    /** Of the session's link, as it is now. */
    int handle();

    /** Why the image could not be opened again after its broker was replaced; null: it could. */
    Errno failure();
}
