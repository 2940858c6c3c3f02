package org.rbdwrapper.ipc.control;

import org.rbdwrapper.ipc.ErrnoException;

import java.lang.foreign.MemorySegment;

/** A client's end of the socket, as far as {@link BlockingFrames} uses it. One thread at a time. */
interface ControlSocket {
    /**
     * Sends some of the bytes; how many.
     *
     * @throws ErrnoException EPIPE, ECONNRESET where the broker is gone.
     */
    long send(MemorySegment bytes) throws ErrnoException;

    /**
     * Waits for the next bytes; how many, 0 where the broker is gone.
     *
     * @param descriptors receives those that travel with the bytes; empty where none is expected.
     */
    long receive(MemorySegment bytes, int[] descriptors) throws ErrnoException;

    void close() throws ErrnoException;
}
