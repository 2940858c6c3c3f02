package org.rbdwrapper.ipc.control;

import static java.nio.ByteOrder.LITTLE_ENDIAN;

import org.agrona.concurrent.UnsafeBuffer;
import org.rbdwrapper.ipc.Errno;
import org.rbdwrapper.ipc.ErrnoException;
import org.rbdwrapper.ipc.ProtocolVersion;
import org.rbdwrapper.ipc.RunDirectories;
import org.rbdwrapper.ipc.codec.ErrorDecoder;
import org.rbdwrapper.ipc.codec.HelloEncoder;
import org.rbdwrapper.ipc.codec.MessageHeaderDecoder;
import org.rbdwrapper.ipc.codec.ProgressDecoder;
import org.rbdwrapper.ipc.codec.WelcomeDecoder;
import org.rbdwrapper.ipc.posix.Fd;
import org.rbdwrapper.ipc.posix.UnixSocket;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;

/**
 * The socket of a session: one request at a time and its answer. Any thread; a lock sees to the
 * order.
 *
 * <pre>
 *             call
 *   IDLE ◀────────────▶ UNDER_WAY      left so by a call that was broken off: its answer may yet
 *     │                     │          come, and would be taken for that to the next request
 *     └──────── close ──────┴────▶ CLOSED
 * </pre>
 */
public final class ControlConnection implements AutoCloseable {
    /** For what the broker has answered, or is about to. */
    private static final long MEMORY_PATIENCE_NANOS = TimeUnit.SECONDS.toNanos(2);

    private static final long RETRY_NANOS = 10_000_000;

    private final ReentrantLock lock = new ReentrantLock();
    private final ControlSocket socket;
    private final BlockingFrames frames;
    private long nextCorrelationId = 1;
    private State state = State.IDLE; // guarded by the lock; CLOSED by the socket's monitor, too

    private enum State {
        IDLE,
        UNDER_WAY,
        CLOSED
    }

    private ControlConnection(ControlSocket socket) {
        this.socket = socket;
        this.frames = new BlockingFrames(socket);
    }

    /**
     * Connects to the broker of this user or of the system.
     *
     * @throws ErrnoException ECONNREFUSED, with where it was looked for, if none is running.
     */
    public static ControlConnection connect() throws ErrnoException {
        return connect(RunDirectories.ofThisProcess().clientRunDirs());
    }

    /**
     * Connects to the first broker that is running in one of these run directories and whose user
     * is trusted ({@link BrokerTrust}); no other has been sent anything.
     */
    public static ControlConnection connect(List<Path> runDirs) throws ErrnoException {
        return connect(runDirs, ControlConnection::descriptorSocket);
    }

    /**
     * {@link #connect()} for a session without channels: faster to begin, and without a {@link
     * #socket}.
     */
    public static ControlConnection connectToAdminister() throws ErrnoException {
        return connect(
                RunDirectories.ofThisProcess().clientRunDirs(), ControlConnection::plainSocket);
    }

    private static ControlSocket descriptorSocket(String path, BrokerTrust trust)
            throws ErrnoException, UntrustedBrokerException {
        int socket = UnixSocket.connect(path);
        try {
            trust.check(UnixSocket.peer(socket).uid());
            return new DescriptorSocket(socket);
        } catch (ErrnoException | UntrustedBrokerException | Error e) { // as of too little memory
            Fd.close(socket);
            throw e;
        }
    }

    private static ControlSocket plainSocket(String path, BrokerTrust trust)
            throws ErrnoException, UntrustedBrokerException {
        try {
            PlainSocket socket = PlainSocket.connect(path);
            if (trust.admits(socket)) {
                return socket;
            }
            socket.close();
        } catch (IOException e) {
            return descriptorSocket(path, trust); // which knows the error's number
        }
        return descriptorSocket(path, trust); // which knows the number of the server's user
    }

    private static ControlConnection connect(List<Path> runDirs, Connect connect)
            throws ErrnoException {
        List<String> tried = new ArrayList<>();
        List<UntrustedBrokerException> refused = new ArrayList<>();
        for (Path dir : runDirs) {
            String path = dir.resolve(RunDirectories.SOCKET_NAME).toString();
            try {
                return of(connect.to(path, BrokerTrust.of(dir)));
            } catch (UntrustedBrokerException e) {
                refused.add(e);
            } catch (ErrnoException e) {
                if (!e.errno().equals(Errno.ENOENT) && !e.errno().equals(Errno.ECONNREFUSED)) {
                    throw e;
                }
                tried.add(path);
            }
        }
        if (tried.isEmpty() && !refused.isEmpty()) {
            UntrustedBrokerException first = refused.getFirst();
            throw new ErrnoException(
                    first.errno(),
                    first.getMessage() + ": choose another with RBDW_RUN_DIR",
                    first);
        }
        throw new ErrnoException(
                Errno.ECONNREFUSED,
                "no broker is running at "
                        + String.join(" or ", tried)
                        + ": start one with rbdwrapper-broker start"
                        + (refused.isEmpty() ? "" : "; " + refused.getFirst().getMessage()));
    }

    private static ControlConnection of(ControlSocket socket) throws ErrnoException {
        try {
            return new ControlConnection(socket);
        } catch (OutOfMemoryError e) {
            socket.close();
            throw e;
        }
    }

    /**
     * Whether a broker that is trusted may have left its socket in one of these run directories: it
     * runs, was killed, or the next one follows.
     */
    public static boolean isAnySocketLeft(List<Path> runDirs) {
        return runDirs.stream().anyMatch(ControlConnection::isSocketLeft);
    }

    private static boolean isSocketLeft(Path dir) {
        try {
            BrokerTrust.of(dir);
            return Files.exists(dir.resolve(RunDirectories.SOCKET_NAME));
        } catch (ErrnoException | UntrustedBrokerException e) {
            return false; // there is none, or it does not count
        }
    }

    /**
     * Why these run directories are passed over, each in one sentence, though they are there: their
     * owners are not trusted. Reads files only.
     */
    public static List<String> passedOver(List<Path> runDirs) {
        return runDirs.stream().flatMap(dir -> whyPassedOver(dir).stream()).toList();
    }

    private static Optional<String> whyPassedOver(Path dir) {
        try {
            BrokerTrust.of(dir);
            return Optional.empty();
        } catch (UntrustedBrokerException e) {
            return Optional.of(e.getMessage());
        } catch (ErrnoException e) {
            return Optional.empty(); // there is none
        }
    }

    /** For who waits for its hang-up, or asks who is at the other end. */
    public int socket() {
        return ((DescriptorSocket) socket).number();
    }

    /**
     * Begins the session.
     *
     * @param channels 0 for one that only administers.
     * @param descriptors receives the memory and the doorbell.
     */
    public WelcomeDecoder hello(
            String program, int channels, int depth, int arenaLength, int... descriptors)
            throws ErrnoException {
        lock.lock();
        try {
            FrameBuffer frame = new FrameBuffer();
            HelloEncoder hello = new HelloEncoder();
            hello.wrapAndApplyHeader(frame.buffer(), FrameBuffer.MESSAGE_OFFSET, frame.header())
                    .protocolMajor(ProtocolVersion.MAJOR)
                    .protocolMinor(ProtocolVersion.MINOR)
                    .channels(channels)
                    .depth(depth)
                    .arenaLength(arenaLength)
                    .program(program)
                    .release(ProtocolVersion.release());
            UnsafeBuffer answer = sendHello(frame.finish(hello.encodedLength()), descriptors);
            MessageHeaderDecoder header = expect(answer, WelcomeDecoder.TEMPLATE_ID);
            return new WelcomeDecoder().wrapAndApplyHeader(answer, 0, header);
        } finally {
            lock.unlock();
        }
    }

    /** A broker that is full says so, and hangs up, before it is asked. */
    private UnsafeBuffer sendHello(FrameBuffer hello, int... descriptors) throws ErrnoException {
        ErrnoException notSent = null;
        try {
            frames.send(hello);
        } catch (ErrnoException e) {
            notSent = e;
        }
        try {
            return frames.receive(descriptors);
        } catch (ErrnoException e) {
            throw notSent == null ? e : notSent;
        }
    }

    /**
     * Sends a request and reads its answer. A program that has no memory for the answer is waited
     * for: an OutOfMemoryError mostly means that nothing was sent. A call that is broken off after
     * that ends the session.
     *
     * @param request encodes it, with the correlation id that it is given, and returns its encoded
     *     length.
     * @param template of the answer.
     * @param answer reads it, once more where there was no memory; the bytes are valid until it
     *     returns.
     * @throws ErrnoException what the broker answered; ENOTCONN where it is gone.
     */
    public <T> T call(RequestEncoder request, int template, AnswerDecoder<T> answer)
            throws ErrnoException {
        return call(request, template, answer, (done, total) -> {});
    }

    /** The same for a request that tells how far it is. */
    public <T> T call(
            RequestEncoder request, int template, AnswerDecoder<T> answer, ProgressHandler progress)
            throws ErrnoException {
        lock.lock();
        try {
            checkIdle();
            FrameBuffer frame = new FrameBuffer();
            long correlationId = nextCorrelationId++;
            send(frame.finish(request.encode(frame, correlationId)));
            return awaitAnswer(correlationId, template, answer, progress);
        } catch (IndexOutOfBoundsException e) {
            hangUpIfUnderWay(e);
            throw new ErrnoException(Errno.EPROTO, "the broker's answer is not well formed", e);
        } catch (Throwable e) {
            hangUpIfUnderWay(e);
            throw e;
        } finally {
            lock.unlock();
        }
    }

    private void checkIdle() throws ErrnoException {
        if (state == State.CLOSED) { // its descriptor's number may be another file's now
            throw new ErrnoException(Errno.ENOTCONN, "the connection is closed");
        }
        if (state == State.UNDER_WAY) {
            throw new ErrnoException(Errno.ENOTCONN, "a call before was broken off");
        }
    }

    private void send(FrameBuffer frame) throws ErrnoException {
        frames.beginFrame();
        state = State.UNDER_WAY;
        try {
            frames.send(frame);
        } catch (OutOfMemoryError e) {
            if (!frames.hasSent()) {
                state = State.IDLE;
            }
            throw e;
        }
    }

    private <T> T awaitAnswer(
            long correlationId, int template, AnswerDecoder<T> answer, ProgressHandler progress)
            throws ErrnoException {
        UnsafeBuffer message = null;
        long waited = 0;
        while (true) {
            try {
                if (message == null) {
                    message = nextAnswer(progress);
                    checkCorrelation(message, correlationId);
                }
                T decoded = answer.decode(message, expect(message, template));
                state = State.IDLE;
                return decoded;
            } catch (OutOfMemoryError e) {
                if (waited > MEMORY_PATIENCE_NANOS) {
                    throw e;
                }
                waited += pause();
            }
        }
    }

    /** Others may give memory back meanwhile; how long it took, which an interrupt shortens. */
    private static long pause() {
        long began = System.nanoTime();
        LockSupport.parkNanos(RETRY_NANOS);
        return System.nanoTime() - began;
    }

    /** The next message that does not only tell how far the request is. */
    private UnsafeBuffer nextAnswer(ProgressHandler progress) throws ErrnoException {
        while (true) {
            UnsafeBuffer message = frames.receive();
            MessageHeaderDecoder header = new MessageHeaderDecoder().wrap(message, 0);
            if (header.templateId() != ProgressDecoder.TEMPLATE_ID) {
                return message;
            }
            ProgressDecoder decoder = new ProgressDecoder().wrapAndApplyHeader(message, 0, header);
            progress.onProgress(decoder.done(), decoder.total());
        }
    }

    /** All answers begin with it. */
    private static void checkCorrelation(UnsafeBuffer answer, long expected) throws ErrnoException {
        long answered = answer.getLong(MessageHeaderDecoder.ENCODED_LENGTH, LITTLE_ENDIAN);
        if (answered != expected) {
            throw new ErrnoException(
                    Errno.EPROTO,
                    "the broker answered request " + answered + " instead of " + expected);
        }
    }

    /** A call that is broken off is the session's end, for the broker and for who waits for it. */
    private void hangUpIfUnderWay(Throwable why) {
        if (state == State.UNDER_WAY) {
            try {
                socket.hangUp();
            } catch (ErrnoException | Error e) { // the next call sees that it is to be ended
                why.addSuppressed(e);
            }
        }
    }

    /**
     * Ends the session, and with it a call that is under way, for which it does not wait. Not for
     * one of {@link #connectToAdminister}. Nothing happens where it is closed.
     */
    public void hangUp() throws ErrnoException {
        synchronized (socket) {
            if (state != State.CLOSED) {
                socket.hangUp();
            }
        }
    }

    /** Waits for a call that is under way, which the broker's end ends. Later ones: ENOTCONN. */
    @Override
    public void close() throws ErrnoException {
        lock.lock();
        try {
            synchronized (socket) {
                if (state != State.CLOSED) {
                    socket.close();
                    state = State.CLOSED;
                }
            }
        } finally {
            lock.unlock();
        }
    }

    private MessageHeaderDecoder expect(UnsafeBuffer message, int template) throws ErrnoException {
        MessageHeaderDecoder header = new MessageHeaderDecoder().wrap(message, 0);
        if (header.templateId() == ErrorDecoder.TEMPLATE_ID) {
            ErrorDecoder error = new ErrorDecoder().wrapAndApplyHeader(message, 0, header);
            ErrnoException failure = new ErrnoException(Errno.of(error.errno()), error.text());
            state = State.IDLE; // this is an answer, too
            throw failure;
        }
        if (header.templateId() != template) {
            throw new ErrnoException(
                    Errno.EPROTO,
                    "the broker answered with message "
                            + header.templateId()
                            + " where "
                            + template
                            + " was expected");
        }
        return header;
    }

    /** How a socket is made of a path, and its server is checked. */
    @FunctionalInterface
    private interface Connect {
        ControlSocket to(String path, BrokerTrust trust)
                throws ErrnoException, UntrustedBrokerException;
    }

    /** Encodes a request into {@code frame.buffer()} at {@link FrameBuffer#MESSAGE_OFFSET}. */
    @FunctionalInterface
    public interface RequestEncoder {
        int encode(FrameBuffer frame, long correlationId);
    }

    /** Decodes an answer, whose header was read. */
    @FunctionalInterface
    public interface AnswerDecoder<T> {
        T decode(UnsafeBuffer message, MessageHeaderDecoder header);
    }

    /** Hears how far a request is. */
    @FunctionalInterface
    public interface ProgressHandler {
        void onProgress(long done, long total);
    }
}
