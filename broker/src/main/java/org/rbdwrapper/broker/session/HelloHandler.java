package org.rbdwrapper.broker.session;

import org.rbdwrapper.broker.LogLimiter;
import org.rbdwrapper.broker.Unexpected;
import org.rbdwrapper.broker.messenger.FlowControl;
import org.rbdwrapper.broker.messenger.MessengerPool;
import org.rbdwrapper.broker.messenger.SessionChannels;
import org.rbdwrapper.ipc.Errno;
import org.rbdwrapper.ipc.ErrnoException;
import org.rbdwrapper.ipc.ProtocolVersion;
import org.rbdwrapper.ipc.codec.HelloDecoder;
import org.rbdwrapper.ipc.segment.SegmentGeometry;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The start of a session: versions, the shared segment, a messenger. Conductor's thread. */
final class HelloHandler {
    private static final Logger LOG = LoggerFactory.getLogger(HelloHandler.class);
    private static final int MAX_PROGRAM_CHARS = 64;

    private final LogLimiter refusals = new LogLimiter(10, 60_000_000_000L);
    private final Conductor conductor;
    private final MessengerPool messengers;
    private final SessionLimits limits;
    private final FlowControl flows;
    private final long generation;

    HelloHandler(
            Conductor conductor,
            MessengerPool messengers,
            SessionLimits limits,
            FlowControl flows,
            long generation) {
        this.conductor = conductor;
        this.messengers = messengers;
        this.limits = limits;
        this.flows = flows;
        this.generation = generation;
    }

    void onHello(Session session, HelloDecoder hello) {
        int channels = hello.channels();
        int depth = hello.depth();
        long arenaLength = hello.arenaLength();
        int major = hello.protocolMajor();
        int minor = hello.protocolMinor();
        session.program = printable(hello.program());
        String release = printable(hello.release());
        try {
            if (!ProtocolVersion.isSpokenWith(major)) {
                throw new ErrnoException(
                        Errno.EPROTONOSUPPORT,
                        "the client (release "
                                + release
                                + ") speaks protocol "
                                + major
                                + "."
                                + minor
                                + ", the broker (release "
                                + ProtocolVersion.release()
                                + ") "
                                + ProtocolVersion.MAJOR
                                + "."
                                + ProtocolVersion.MINOR
                                + ": install the same release of both");
            }
            if (channels > 0) {
                SegmentGeometry geometry = SegmentGrant.of(channels, depth, arenaLength);
                take(session, geometry);
                session.channels =
                        SessionChannels.create(
                                session.describe(),
                                geometry,
                                generation,
                                flows,
                                session.peer.uid(),
                                () -> conductor.onViolation(session));
                session.messenger = messengers.assign();
                session.messenger.attach(session.channels);
            }
            welcome(session);
        } catch (ErrnoException e) {
            refuse(session, e);
        } catch (RuntimeException | Error e) {
            Unexpected.log("the start of a session", e);
            refuse(session, Unexpected.failure(e));
        }
    }

    private void refuse(Session session, ErrnoException why) {
        closeUnsentMemory(session);
        refusals.run(() -> LOG.info("refused {}: {}", session.describe(), why.describe()));
        conductor.send(session, ControlProxy.error(0, why));
        conductor.end(session, "refused");
    }

    private static void closeUnsentMemory(Session session) {
        if (session.channels != null && !session.welcome) {
            try {
                session.channels.closeMemoryFd();
            } catch (ErrnoException e) {
                LOG.warn("segment of {}: {}", session.describe(), e.describe());
            }
        }
    }

    /** Given back when the session is freed. */
    private void take(Session session, SegmentGeometry geometry) throws ErrnoException {
        session.take(limits, Resource.CHANNELS, geometry.channels());
        session.take(limits, Resource.REQUESTS, (long) geometry.channels() * geometry.depth());
        session.take(limits, Resource.MEMORY, geometry.segmentLength());
    }

    private void welcome(Session session) throws ErrnoException {
        int pid = (int) ProcessHandle.current().pid();
        session.welcome = true;
        if (session.channels == null) {
            conductor.send(session, ControlProxy.welcome(session.id, 0, pid));
            return;
        }
        SessionChannels channels = session.channels;
        conductor.send(
                session,
                ControlProxy.welcome(session.id, channels.geometry().segmentLength(), pid),
                channels.memoryFd(),
                channels.doorbellFd());
        channels.closeMemoryFd();
    }

    /** A name that another process chose, as it may stand in a log and on a terminal. */
    private static String printable(String name) {
        String shown =
                name.length() > MAX_PROGRAM_CHARS ? name.substring(0, MAX_PROGRAM_CHARS) : name;
        return shown.replaceAll("\\p{Cntrl}", "?");
    }
}
