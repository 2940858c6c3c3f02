package org.rbdwrapper.ipc.control;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.rbdwrapper.ipc.Errno;
import org.rbdwrapper.ipc.ErrnoException;
import org.rbdwrapper.ipc.RunDirectories;
import org.rbdwrapper.ipc.codec.ErrorEncoder;
import org.rbdwrapper.ipc.codec.ImageStatDecoder;
import org.rbdwrapper.ipc.codec.ImageStatEncoder;
import org.rbdwrapper.ipc.codec.ProgressEncoder;
import org.rbdwrapper.ipc.codec.StatEncoder;
import org.rbdwrapper.ipc.posix.Fd;
import org.rbdwrapper.ipc.posix.UnixSocket;

import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;

/** Which answer a call gets, also where one before was broken off. */
@Timeout(30)
final class ControlConnectionTest {
    private static final long FIRST_ID = 1;

    @TempDir private Path runDir;
    private int listener = -1;
    private int peer = -1;
    private BlockingFrames broker;
    private ControlConnection connection;

    @BeforeEach
    void connect() throws Exception {
        listener = UnixSocket.listen(runDir.resolve(RunDirectories.SOCKET_NAME).toString(), 1);
        connection = ControlConnection.connect(List.of(runDir));
        while ((peer = UnixSocket.accept(listener)) < 0) {
            Thread.onSpinWait();
        }
        broker = new BlockingFrames(peer);
    }

    @AfterEach
    void close() throws Exception {
        connection.close();
        Fd.close(peer);
        Fd.close(listener);
    }

    private void answer(long correlationId, long size) throws ErrnoException {
        FrameBuffer frame = new FrameBuffer();
        ImageStatEncoder message = new ImageStatEncoder();
        message.wrapAndApplyHeader(frame.buffer(), FrameBuffer.MESSAGE_OFFSET, frame.header())
                .correlationId(correlationId)
                .size(size);
        broker.send(frame.finish(message.encodedLength()));
    }

    private void tellProgress(long correlationId) throws ErrnoException {
        FrameBuffer frame = new FrameBuffer();
        ProgressEncoder message = new ProgressEncoder();
        message.wrapAndApplyHeader(frame.buffer(), FrameBuffer.MESSAGE_OFFSET, frame.header())
                .correlationId(correlationId)
                .done(1)
                .total(2);
        broker.send(frame.finish(message.encodedLength()));
    }

    private void refuse(long correlationId) throws ErrnoException {
        FrameBuffer frame = new FrameBuffer();
        ErrorEncoder message = new ErrorEncoder();
        message.wrapAndApplyHeader(frame.buffer(), FrameBuffer.MESSAGE_OFFSET, frame.header())
                .correlationId(correlationId)
                .errno(Errno.ENOENT.number())
                .text("no such image");
        broker.send(frame.finish(message.encodedLength()));
    }

    private long size() throws ErrnoException {
        return size((done, total) -> {}, () -> {});
    }

    /**
     * @param decoding before the answer is decoded.
     */
    private long size(ControlConnection.ProgressHandler progress, Runnable decoding)
            throws ErrnoException {
        return connection.call(
                (frame, correlationId) -> {
                    StatEncoder message = new StatEncoder();
                    message.wrapAndApplyHeader(
                                    frame.buffer(), FrameBuffer.MESSAGE_OFFSET, frame.header())
                            .correlationId(correlationId)
                            .path("/rbdw/img");
                    return message.encodedLength();
                },
                ImageStatDecoder.TEMPLATE_ID,
                (message, header) -> {
                    decoding.run();
                    return new ImageStatDecoder().wrapAndApplyHeader(message, 0, header).size();
                },
                progress);
    }

    private void assertEnded() {
        ErrnoException refused = assertThrows(ErrnoException.class, this::size);
        assertEquals(Errno.ENOTCONN, refused.errno());
        assertTrue(UnixSocket.awaitHangup(peer, 10_000), "the broker still takes it to be there");
    }

    @Test
    void shouldNotTakeTheAnswerToACallThatWasBrokenOffForThatToTheNext() throws Exception {
        tellProgress(FIRST_ID);
        answer(FIRST_ID, 1);
        answer(FIRST_ID + 1, 2);
        assertThrows(
                StackOverflowError.class,
                () ->
                        size(
                                (done, total) -> {
                                    throw new StackOverflowError();
                                },
                                () -> {}));
        assertEnded();
    }

    @Test
    void shouldRefuseAnAnswerToAnotherRequest() throws Exception {
        answer(FIRST_ID + 1, 1);
        ErrnoException refused = assertThrows(ErrnoException.class, this::size);
        assertEquals(Errno.EPROTO, refused.errno());
        assertEnded();
    }

    @Test
    void shouldAwaitTheMemoryForAnAnswer() throws Exception {
        answer(FIRST_ID, 1);
        answer(FIRST_ID + 1, 2);
        AtomicInteger left = new AtomicInteger(3);
        long size =
                size(
                        (done, total) -> {},
                        () -> {
                            if (left.getAndDecrement() > 0) {
                                throw new OutOfMemoryError("for some moments");
                            }
                        });
        assertEquals(1, size);
        assertEquals(2, size());
    }

    @Test
    void shouldEndTheSessionWhereThereIsNoMemoryForAnAnswerInTheEnd() throws Exception {
        answer(FIRST_ID, 1);
        assertThrows(
                OutOfMemoryError.class,
                () ->
                        size(
                                (done, total) -> {},
                                () -> {
                                    throw new OutOfMemoryError("for long");
                                }));
        assertEnded();
    }

    @Test
    void shouldServeAfterARequestThatCouldNotBeMade() throws Exception {
        assertThrows(
                OutOfMemoryError.class,
                () ->
                        connection.call(
                                (frame, correlationId) -> {
                                    throw new OutOfMemoryError("for the request");
                                },
                                ImageStatDecoder.TEMPLATE_ID,
                                (message, header) -> message));
        answer(FIRST_ID + 1, 2);
        assertEquals(2, size());
    }

    @Test
    void shouldServeAfterARefusal() throws Exception {
        refuse(FIRST_ID);
        answer(FIRST_ID + 1, 2);
        assertEquals(Errno.ENOENT, assertThrows(ErrnoException.class, this::size).errno());
        assertEquals(2, size());
    }
}
