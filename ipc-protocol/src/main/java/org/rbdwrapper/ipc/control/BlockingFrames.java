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
        int done = 0;
        while (done < bytes.length) {
            done += socket.send(bytes, done, bytes.length - done);
        }
    }

    /**
     * The next message, from its SBE header on, valid until the next call.
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
        byte[] bytes = new byte[RECEIVE_LENGTH];
        while ((message = assembler.next()) == null) {
            int n = socket.receive(bytes, first ? descriptors : NONE);
            first = false;
            if (n == 0) {
                throw new ErrnoException(Errno.ENOTCONN, "the broker has closed the connection");
            }
            assembler.append(bytes, n);
        }
        return message;
    }
}
