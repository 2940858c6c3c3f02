package org.rbdwrapper.client.io;

import org.rbdwrapper.ipc.Errno;

/** The image that an operation is of. Any thread. */
public interface Target {
    /** Of the session's link, as it is now. */
    int handle();

    /** Why the image could not be opened again after its broker was replaced; null: it could. */
    Errno failure();
}
