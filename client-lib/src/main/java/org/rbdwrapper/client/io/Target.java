package org.rbdwrapper.client.io;

import org.rbdwrapper.ipc.Errno;

/** The image that an operation is of. Any thread. */
public interface Target {
    /** Not 0, and no other target's of this process. */
    int number();

    /** False from when it is being closed: what has not begun by then is refused. */
    boolean isOpen();

    /**
     * An operation begins that no thread waits for: it is not closed before {@link #end}.
     *
     * @return false where it is being closed; {@link #end} does not follow.
     */
    boolean begin();

    void end();

    /** Of the session's link, as it is now. */
    int handle();

    /** Why the image could not be opened again after its broker was replaced; null: it could. */
    Errno failure();
}
