package org.rbdwrapper.client.exhaustion;

import org.rbdwrapper.ipc.ErrnoException;
import org.rbdwrapper.ipc.codec.CloseImageEncoder;
import org.rbdwrapper.ipc.codec.DoneDecoder;
import org.rbdwrapper.ipc.codec.ImageOpenedDecoder;
import org.rbdwrapper.ipc.codec.OpenImageEncoder;
import org.rbdwrapper.ipc.control.ControlConnection;
import org.rbdwrapper.ipc.control.FrameBuffer;
import org.rbdwrapper.ipc.posix.Fd;

import java.nio.file.Path;
import java.util.List;

/** A session that wants what the test says, and makes no requests. */
final class Client implements AutoCloseable {
    private static final int LEAST_ARENA = 64 * 1024;

    private final ControlConnection control;

    private Client(ControlConnection control) {
        this.control = control;
    }

    /** Wants the least that there is. */
    static Client connect(Path runDir) throws ErrnoException {
        return connect(runDir, 1, 2, LEAST_ARENA);
    }

    static Client connect(Path runDir, int channels, int depth, int arena) throws ErrnoException {
        ControlConnection control = ControlConnection.connect(List.of(runDir));
        int[] descriptors = {-1, -1};
        try {
            control.hello("client", channels, depth, arena, descriptors);
            return new Client(control);
        } catch (ErrnoException e) {
            control.close();
            throw e;
        } finally {
            for (int descriptor : descriptors) {
                if (descriptor >= 0) {
                    Fd.close(descriptor);
                }
            }
        }
    }

    /** The handle. */
    long open(String path) throws ErrnoException {
        return control.call(
                (frame, correlationId) -> {
                    OpenImageEncoder message = new OpenImageEncoder();
                    message.wrapAndApplyHeader(
                                    frame.buffer(), FrameBuffer.MESSAGE_OFFSET, frame.header())
                            .correlationId(correlationId);
                    message.flags().clear().read(true).write(false);
                    message.path(path);
                    return message.encodedLength();
                },
                ImageOpenedDecoder.TEMPLATE_ID,
                (message, header) ->
                        new ImageOpenedDecoder().wrapAndApplyHeader(message, 0, header).handle());
    }

    void close(long handle) throws ErrnoException {
        control.call(
                (frame, correlationId) -> {
                    CloseImageEncoder message = new CloseImageEncoder();
                    message.wrapAndApplyHeader(
                                    frame.buffer(), FrameBuffer.MESSAGE_OFFSET, frame.header())
                            .correlationId(correlationId)
                            .handle(handle);
                    return message.encodedLength();
                },
                DoneDecoder.TEMPLATE_ID,
                (message, header) -> message);
    }

    @Override
    public void close() throws ErrnoException {
        control.close();
    }
}
