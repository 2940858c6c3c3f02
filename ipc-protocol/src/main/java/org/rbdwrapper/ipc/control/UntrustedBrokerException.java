package org.rbdwrapper.ipc.control;

import org.rbdwrapper.ipc.Errno;

/** A run directory is not used: who has it, or listens there, is not trusted, or is not known. */
final class UntrustedBrokerException extends Exception {
    private static final long serialVersionUID = 1;

    private final transient Errno errno;

    /**
     * @param why in one sentence, without the number.
     */
    UntrustedBrokerException(Errno errno, String why) {
        super(why);
        this.errno = errno;
    }

    Errno errno() {
        return errno;
    }
}
