package org.rbdwrapper.broker.session;

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

    private final Conductor conductor;
    private final MessengerPool messengers;
    private final SessionLimits limits;
    private final long generation;

    HelloHandler(
            Conductor conductor, MessengerPool messengers, SessionLimits limits, long generation) {
        this.conductor = conductor;
        this.messengers = messengers;
        this.limits = limits;
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
            limits.checkNewSession(session, conductor.sessions());
            if (channels > 0) {
                SegmentGeometry geometry = limits.grant(channels, depth, arenaLength);
                session.channels =
                        SessionChannels.create(
                                session.describe(),
                                geometry,
                                generation,
                                () -> conductor.onViolation(session));
                session.messenger = messengers.assign();
                session.messenger.attach(session.channels);
            }
            welcome(session);
        } catch (ErrnoException e) {
            LOG.info("refused {}: {}", session.describe(), e.describe());
            conductor.send(session, ControlProxy.error(0, e));
            conductor.end(session, "refused");
        }
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
