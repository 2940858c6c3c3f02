package org.rbdwrapper.ipc;

import java.io.IOException;

/**
 * A failure that has a Linux error number. Its message is one line and ends with the number's text
 * and symbol.
 */
public final class ErrnoException extends IOException {
    private static final long serialVersionUID = 1L;

    private final transient Errno errno;
    private final String what;

    /**
     * @param what says what failed, on which image, and perhaps what to do; without the number.
     */
    public ErrnoException(Errno errno, String what) {
        this(errno, what, null);
    }

    public ErrnoException(Errno errno, String what, Throwable cause) {
        super(what + ": " + errno.text() + " (" + errno.symbol() + ")", cause);
        this.errno = errno;
        this.what = what;
    }

    public Errno errno() {
        return errno;
    }

    /** The message without the number. */
    public String what() {
        return what;
    }

    /** {@code image rbd/x cannot be opened: no such file or directory (ENOENT)}. */
    public String describe() {
        return getMessage();
    }
}
