package org.rbdwrapper.broker.cli;

import org.rbdwrapper.broker.ProcessStart;
import org.rbdwrapper.ipc.Errno;
import org.rbdwrapper.ipc.ErrnoException;
import org.rbdwrapper.ipc.codec.BrokerDescriptionDecoder;
import org.rbdwrapper.ipc.codec.DescribeBrokerEncoder;
import org.rbdwrapper.ipc.codec.LimitsDecoder;
import org.rbdwrapper.ipc.codec.ListLimitsEncoder;
import org.rbdwrapper.ipc.codec.ListMessengersEncoder;
import org.rbdwrapper.ipc.codec.ListStallsEncoder;
import org.rbdwrapper.ipc.codec.MessengersDecoder;
import org.rbdwrapper.ipc.codec.StallsDecoder;
import org.rbdwrapper.ipc.control.ControlConnection;
import org.rbdwrapper.ipc.control.FrameBuffer;
import org.rbdwrapper.ipc.posix.UnixSocket;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/**
 * A broker that answers at a run directory. Which process it is, the kernel says by the socket's
 * credentials: a file with a number in it may be older than the process that has the number now.
 */
final class RunningBroker implements AutoCloseable {
    private static final long ANSWER_TIMEOUT_NANOS = 10_000_000_000L;

    private final ControlConnection control;
    private final long pid;
    private boolean known;

    private RunningBroker(ControlConnection control, long answerTimeoutNanos)
            throws ErrnoException {
        this.control = control;
        this.pid = UnixSocket.peer(control.socket()).pid();
        UnixSocket.receiveTimeout(control.socket(), answerTimeoutNanos);
    }

    /** The broker of this run directory, if one is running. */
    static Optional<RunningBroker> find(Path runDir) throws ErrnoException {
        return find(runDir, ANSWER_TIMEOUT_NANOS);
    }

    /**
     * @param answerTimeoutNanos after which a question fails with ETIMEDOUT.
     */
    static Optional<RunningBroker> find(Path runDir, long answerTimeoutNanos)
            throws ErrnoException {
        try {
            return Optional.of(
                    new RunningBroker(
                            ControlConnection.connect(List.of(runDir)), answerTimeoutNanos));
        } catch (ErrnoException e) {
            if (e.errno().equals(Errno.ECONNREFUSED)) {
                return Optional.empty();
            }
            throw e;
        }
    }

    static boolean isRunning(Path runDir) throws ErrnoException {
        Optional<RunningBroker> found = find(runDir);
        if (found.isPresent()) {
            found.get().close();
        }
        return found.isPresent();
    }

    long pid() {
        return pid;
    }

    /**
     * Asks it to end, and waits until its process has: false if it has not in this time.
     *
     * @throws ErrnoException EPERM where it is another user's, ESRCH where it is in another PID
     *     namespace.
     */
    boolean stop(Duration timeout) throws ErrnoException, InterruptedException {
        if (pid == 0) {
            throw new ErrnoException(
                    Errno.ESRCH,
                    "stop: the broker runs in another PID namespace (a container), where it must"
                            + " be stopped");
        }
        String startTime = ProcessStart.timeOf(pid);
        Optional<ProcessHandle> process = ProcessHandle.of(pid);
        if (startTime.isEmpty() || process.isEmpty()) {
            return true;
        }
        if (!process.get().destroy()) {
            throw new ErrnoException(
                    Errno.EPERM,
                    "stop: the broker (pid " + pid + ") runs as another user, who must stop it");
        }
        // not by onExit, which looks every 0.3 s and more at what is no child, and waits until its
        // parent has asked for it: clients wait meanwhile
        return ProcessStart.awaitEnd(pid, startTime, timeout);
    }

    /** What it says of itself. */
    <T> T describe(Description<T> description) throws ErrnoException {
        hello();
        return control.call(
                (frame, correlationId) -> {
                    DescribeBrokerEncoder request = new DescribeBrokerEncoder();
                    request.wrapAndApplyHeader(
                                    frame.buffer(), FrameBuffer.MESSAGE_OFFSET, frame.header())
                            .correlationId(correlationId);
                    return request.encodedLength();
                },
                BrokerDescriptionDecoder.TEMPLATE_ID,
                (message, header) ->
                        description.of(
                                new BrokerDescriptionDecoder()
                                        .wrapAndApplyHeader(message, 0, header)));
    }

    /** What each of its messengers has done. */
    List<MessengerFigures> messengers() throws ErrnoException {
        hello();
        return control.call(
                (frame, correlationId) -> {
                    ListMessengersEncoder request = new ListMessengersEncoder();
                    request.wrapAndApplyHeader(
                                    frame.buffer(), FrameBuffer.MESSAGE_OFFSET, frame.header())
                            .correlationId(correlationId);
                    return request.encodedLength();
                },
                MessengersDecoder.TEMPLATE_ID,
                (message, header) ->
                        MessengerFigures.of(
                                new MessengersDecoder().wrapAndApplyHeader(message, 0, header)));
    }

    /** What its clients have and may have. */
    List<LimitFigures> limits() throws ErrnoException {
        hello();
        return control.call(
                (frame, correlationId) -> {
                    ListLimitsEncoder request = new ListLimitsEncoder();
                    request.wrapAndApplyHeader(
                                    frame.buffer(), FrameBuffer.MESSAGE_OFFSET, frame.header())
                            .correlationId(correlationId);
                    return request.encodedLength();
                },
                LimitsDecoder.TEMPLATE_ID,
                (message, header) ->
                        LimitFigures.of(
                                new LimitsDecoder().wrapAndApplyHeader(message, 0, header)));
    }

    /** What is stuck in it. */
    List<StallFigures> stalls() throws ErrnoException {
        hello();
        return control.call(
                (frame, correlationId) -> {
                    ListStallsEncoder request = new ListStallsEncoder();
                    request.wrapAndApplyHeader(
                                    frame.buffer(), FrameBuffer.MESSAGE_OFFSET, frame.header())
                            .correlationId(correlationId);
                    return request.encodedLength();
                },
                StallsDecoder.TEMPLATE_ID,
                (message, header) ->
                        StallFigures.of(
                                new StallsDecoder().wrapAndApplyHeader(message, 0, header)));
    }

    private void hello() throws ErrnoException {
        if (!known) {
            control.hello("rbdwrapper-broker", 0, 0, 0);
            known = true;
        }
    }

    @Override
    public void close() throws ErrnoException {
        control.close();
    }

    /** Reads what is wanted of the answer. */
    @FunctionalInterface
    interface Description<T> {
        T of(BrokerDescriptionDecoder broker);
    }
}
