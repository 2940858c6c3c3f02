package org.rbdwrapper.ipc.control;

import org.rbdwrapper.ipc.ErrnoException;

/**
 * A client's end of the socket, as far as {@link BlockingFrames} uses it. Through arrays: native
 * memory in Java takes a short command longer to set up than to use. One thread at a time.
 */
interface ControlSocket {
    /**
     * Sends some of the bytes; how many.
     *
     * @throws ErrnoException EPIPE, ECONNRESET where the broker is gone.
     */
    int send(byte[] bytes, int offset, int length) throws ErrnoException;

    /**
     * Waits for the next bytes; how many, 0 where the broker is gone.
     *
     * @param descriptors receives those that travel with the bytes; empty where none is expected.
     */
    int receive(byte[] bytes, int[] descriptors) throws ErrnoException;

    /** Nothing more is sent or received; it is still to be closed. */
    void hangUp() throws ErrnoException;

    void close() throws ErrnoException;
}
