package org.rbdwrapper.ipc;

import java.io.IOException;

/**
 * A failure that has a Linux error number. Its message is one line and does not repeat the number.
 */
public final class ErrnoException extends IOException {
    private static final long serialVersionUID = 1L;

    private final Errno errno;

    public ErrnoException(Errno errno, String message) {
        super(message);
        this.errno = errno;
    }

    public ErrnoException(Errno errno, String message, Throwable cause) {
        super(message, cause);
        this.errno = errno;
    }

    public Errno errno() {
        return errno;
    }

    /**
     * The message and the number's name: {@code image rbd/x cannot be opened: no such file or
     * directory (ENOENT)}.
     */
    public String describe() {
        return getMessage() + ": " + errno.text() + " (" + errno.symbol() + ")";
    }
}
