package org.rbdwrapper.broker.session;

import org.rbdwrapper.broker.LogLimiter;
import org.rbdwrapper.broker.Unexpected;
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
    private final SegmentKeeper segments;
    private final long generation;

    HelloHandler(
            Conductor conductor,
            MessengerPool messengers,
            SessionLimits limits,
            SegmentKeeper segments,
            long generation) {
        this.conductor = conductor;
        this.messengers = messengers;
        this.segments = segments;
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
            conductor.onGreeted(session);
            if (channels == 0) {
                welcome(session, null);
                return;
            }
            SegmentGeometry geometry = SegmentGrant.of(channels, depth, arenaLength);
            take(session, geometry);
            segments.make(
                    session,
                    geometry,
                    generation,
                    made -> welcome(session, made),
                    failure -> refuse(session, failure));
        } catch (ErrnoException e) {
            refuse(session, e);
        } catch (RuntimeException | Error e) {
            Unexpected.log("the start of a session", e);
            refuse(session, Unexpected.failure(e));
        }
    }

    private void refuse(Session session, ErrnoException why) {
        refusals.run(() -> LOG.info("refused {}: {}", session.describe(), why.describe()));
        conductor.send(session, ControlProxy.error(0, why));
        conductor.end(session, "refused");
    }

    /** Given back when the session is freed. */
    private void take(Session session, SegmentGeometry geometry) throws ErrnoException {
        session.take(limits, Resource.CHANNELS, geometry.channels());
        session.take(limits, Resource.REQUESTS, (long) geometry.channels() * geometry.depth());
        session.take(limits, Resource.MEMORY, geometry.segmentLength());
    }

    /**
     * @param channels null for a session without.
     */
    private void welcome(Session session, SessionChannels channels) {
        try {
            if (channels != null) {
                session.channels = channels;
                session.messenger = messengers.assign();
                session.messenger.attach(channels);
            }
            long length = channels == null ? 0 : channels.geometry().segmentLength();
            int[] descriptors =
                    channels == null
                            ? new int[0]
                            : new int[] {channels.memoryFd(), channels.doorbellFd()};
            conductor.send(session, ControlProxy.welcome(session.id, length), descriptors);
            if (!session.isEnded()) {
                conductor.onWelcome(session);
            }
        } catch (ErrnoException e) {
            refuse(session, e);
        } catch (RuntimeException | Error e) {
            Unexpected.log("the start of a session", e);
            refuse(session, Unexpected.failure(e));
        } finally {
            closeMemory(session, channels);
        }
    }

    /** Its client has it, or never will: what is mapped stays. */
    private static void closeMemory(Session session, SessionChannels channels) {
        if (channels != null) {
            try {
                channels.closeMemoryFd();
            } catch (ErrnoException e) {
                LOG.warn("segment of {}: {}", session.describe(), e.describe());
            }
        }
    }

    /** A name that another process chose, as it may stand in a log and on a terminal. */
    private static String printable(String name) {
        String shown =
                name.length() > MAX_PROGRAM_CHARS ? name.substring(0, MAX_PROGRAM_CHARS) : name;
        return shown.replaceAll("\\p{Cntrl}", "?");
    }
}
