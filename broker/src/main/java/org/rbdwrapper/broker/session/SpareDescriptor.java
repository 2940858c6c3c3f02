package org.rbdwrapper.broker.session;

import org.rbdwrapper.ipc.Errno;
import org.rbdwrapper.ipc.ErrnoException;
import org.rbdwrapper.ipc.posix.EventFd;
import org.rbdwrapper.ipc.posix.Fd;

/**
 * A descriptor that is kept for when there is no other: in its place a client is let in that is
 * told so, instead of waiting for who knows how long. One thread.
 */
final class SpareDescriptor {
    private static final int NONE = -1;

    private int fd = NONE;

    SpareDescriptor() throws ErrnoException {
        // its classes are loaded while there are descriptors to load them by
        ControlProxy.error(0, new ErrnoException(Errno.EMFILE, ""));
        fd = EventFd.create();
    }

    /** True where its place is free now. */
    boolean giveUp() throws ErrnoException {
        if (fd == NONE) {
            return false;
        }
        int given = fd;
        fd = NONE;
        Fd.close(given);
        return true;
    }

    /** As soon as there is a place again. */
    void takeBack() throws ErrnoException {
        if (fd == NONE) {
            fd = EventFd.create();
        }
    }

    void close() throws ErrnoException {
        giveUp();
    }
}
