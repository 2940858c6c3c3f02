package org.rbdwrapper.ipc.control;

import org.agrona.concurrent.UnsafeBuffer;
import org.rbdwrapper.ipc.Errno;
import org.rbdwrapper.ipc.ErrnoException;

/** A client's end of the socket: sends a frame, waits for the next one. One thread at a time. */
public final class BlockingFrames {
    private static final int RECEIVE_LENGTH = 64 * 1024;

    private static final int[] NONE = new int[0];

    private final ControlSocket socket;
    private final FrameAssembler assembler = new FrameAssembler(FrameBuffer.MAX_BROKER_FRAME);
    private final byte[] received = new byte[RECEIVE_LENGTH]; // there may be no memory for it then
    private int sent; // bytes of the last frame

    /**
     * @param socket blocking; not owned.
     */
    public BlockingFrames(int socket) {
        this(new DescriptorSocket(socket));
    }

    BlockingFrames(ControlSocket socket) {
        this.socket = socket;
    }

    /**
     * @throws ErrnoException EPIPE, ECONNRESET where the broker is gone.
     */
    public void send(FrameBuffer frame) throws ErrnoException {
        byte[] bytes = frame.toBytes();
        sent = 0;
        while (sent < bytes.length) {
            sent += socket.send(bytes, sent, bytes.length - sent);
        }
    }

    /** Before a {@link #send}, which may be broken off anywhere. */
    void beginFrame() {
        sent = 0;
    }

    /** Whether something was sent since {@link #beginFrame}. */
    boolean hasSent() {
        return sent > 0;
    }

    /**
     * The next message, from its SBE header on, valid until the next call. Nothing is lost of it
     * where there is no memory: this is to be called again.
     *
     * @throws ErrnoException ENOTCONN where the broker is gone, ETIMEDOUT after the socket's
     *     receive timeout.
     */
    public UnsafeBuffer receive() throws ErrnoException {
        return receive(NONE);
    }

    /**
     * The same, and the descriptors that came with the first bytes of it.
     *
     * @param descriptors filled from the start, the rest becomes -1; they are the caller's to
     *     close.
     */
    public UnsafeBuffer receive(int[] descriptors) throws ErrnoException {
        java.util.Arrays.fill(descriptors, -1);
        boolean first = descriptors.length > 0;
        UnsafeBuffer message;
        while ((message = assembler.next()) == null) {
            assembler.reserve(RECEIVE_LENGTH); // while what is to go there cannot be lost yet
            int n = socket.receive(received, first ? descriptors : NONE);
            first = false;
            if (n == 0) {
                throw new ErrnoException(Errno.ENOTCONN, "the broker has closed the connection");
            }
            assembler.append(received, n);
        }
        return message;
    }
}
