package org.rbdwrapper.broker.cli;

import org.agrona.concurrent.UnsafeBuffer;
import org.rbdwrapper.ipc.Errno;
import org.rbdwrapper.ipc.ErrnoException;
import org.rbdwrapper.ipc.ProtocolVersion;
import org.rbdwrapper.ipc.RunDirectories;
import org.rbdwrapper.ipc.codec.BrokerDescriptionDecoder;
import org.rbdwrapper.ipc.codec.DescribeBrokerEncoder;
import org.rbdwrapper.ipc.codec.ErrorDecoder;
import org.rbdwrapper.ipc.codec.HelloEncoder;
import org.rbdwrapper.ipc.codec.MessageHeaderDecoder;
import org.rbdwrapper.ipc.codec.WelcomeDecoder;
import org.rbdwrapper.ipc.control.BlockingFrames;
import org.rbdwrapper.ipc.control.FrameBuffer;
import org.rbdwrapper.ipc.posix.Fd;
import org.rbdwrapper.ipc.posix.UnixSocket;

import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;

/**
 * A broker that answers at a run directory. Which process it is, the kernel says by the socket's
 * credentials: a file with a number in it may be older than the process that has the number now.
 */
final class RunningBroker implements AutoCloseable {
    private static final long ANSWER_TIMEOUT_NANOS = 10_000_000_000L;

    private final int socket;
    private final long pid;
    private final BlockingFrames frames;

    private RunningBroker(int socket) throws ErrnoException {
        this.socket = socket;
        this.pid = UnixSocket.peer(socket).pid();
        UnixSocket.receiveTimeout(socket, ANSWER_TIMEOUT_NANOS);
        this.frames = new BlockingFrames(socket);
    }

    /** The broker of this run directory, if one is running. */
    static Optional<RunningBroker> find(Path runDir) throws ErrnoException {
        try {
            return Optional.of(
                    new RunningBroker(
                            UnixSocket.connect(
                                    runDir.resolve(RunDirectories.SOCKET_NAME).toString())));
        } catch (ErrnoException e) {
            if (e.errno().equals(Errno.ENOENT) || e.errno().equals(Errno.ECONNREFUSED)) {
                return Optional.empty();
            }
            throw e;
        }
    }

    long pid() {
        return pid;
    }

    /** Asks it to end, and waits until its process has. */
    boolean stop(Duration timeout) throws InterruptedException {
        Optional<ProcessHandle> process = ProcessHandle.of(pid);
        if (process.isEmpty()) {
            return true;
        }
        if (!process.get().destroy()) {
            return false;
        }
        try {
            process.get()
                    .onExit()
                    .get(timeout.toMillis(), java.util.concurrent.TimeUnit.MILLISECONDS);
            return true;
        } catch (java.util.concurrent.ExecutionException
                | java.util.concurrent.TimeoutException e) {
            return !process.get().isAlive();
        }
    }

    /** What it says of itself; valid until the next call. */
    BrokerDescriptionDecoder describe() throws ErrnoException {
        FrameBuffer frame = new FrameBuffer();
        HelloEncoder hello = new HelloEncoder();
        hello.wrapAndApplyHeader(frame.buffer(), FrameBuffer.MESSAGE_OFFSET, frame.header())
                .protocolMajor(ProtocolVersion.MAJOR)
                .protocolMinor(ProtocolVersion.MINOR)
                .channels(0)
                .depth(0)
                .arenaLength(0)
                .program("rbdwrapper-broker")
                .release(ProtocolVersion.release());
        frames.send(frame.finish(hello.encodedLength()));
        expect(frames.receive(), WelcomeDecoder.TEMPLATE_ID);
        DescribeBrokerEncoder request = new DescribeBrokerEncoder();
        request.wrapAndApplyHeader(frame.buffer(), FrameBuffer.MESSAGE_OFFSET, frame.header())
                .correlationId(1);
        frames.send(frame.finish(request.encodedLength()));
        UnsafeBuffer answer = frames.receive();
        MessageHeaderDecoder header = expect(answer, BrokerDescriptionDecoder.TEMPLATE_ID);
        return new BrokerDescriptionDecoder().wrapAndApplyHeader(answer, 0, header);
    }

    @Override
    public void close() throws ErrnoException {
        Fd.close(socket);
    }

    private static MessageHeaderDecoder expect(UnsafeBuffer message, int template)
            throws ErrnoException {
        MessageHeaderDecoder header = new MessageHeaderDecoder().wrap(message, 0);
        if (header.templateId() == ErrorDecoder.TEMPLATE_ID) {
            ErrorDecoder error = new ErrorDecoder().wrapAndApplyHeader(message, 0, header);
            throw new ErrnoException(Errno.of(error.errno()), error.text());
        }
        if (header.templateId() != template) {
            throw new ErrnoException(
                    Errno.EPROTO, "the broker answered with message " + header.templateId());
        }
        return header;
    }
}
