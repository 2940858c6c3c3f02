package org.rbdwrapper.broker.session;

import org.agrona.MutableDirectBuffer;
import org.rbdwrapper.broker.map.Mapping;
import org.rbdwrapper.broker.messenger.MessengerActivity;
import org.rbdwrapper.broker.messenger.ThreadTime;
import org.rbdwrapper.broker.store.ImageDetails;
import org.rbdwrapper.broker.store.ImageTimes;
import org.rbdwrapper.broker.watch.StallReport;
import org.rbdwrapper.ipc.ErrnoException;
import org.rbdwrapper.ipc.ImageSpec;
import org.rbdwrapper.ipc.ProtocolVersion;
import org.rbdwrapper.ipc.codec.BrokerDescriptionEncoder;
import org.rbdwrapper.ipc.codec.ChangesWatchedEncoder;
import org.rbdwrapper.ipc.codec.ClientsEncoder;
import org.rbdwrapper.ipc.codec.DoneEncoder;
import org.rbdwrapper.ipc.codec.ErrorEncoder;
import org.rbdwrapper.ipc.codec.ImageDescriptionEncoder;
import org.rbdwrapper.ipc.codec.ImageMappedEncoder;
import org.rbdwrapper.ipc.codec.ImageOpenedEncoder;
import org.rbdwrapper.ipc.codec.ImageStatEncoder;
import org.rbdwrapper.ipc.codec.ImagesEncoder;
import org.rbdwrapper.ipc.codec.LimitsEncoder;
import org.rbdwrapper.ipc.codec.LockFileOpenedEncoder;
import org.rbdwrapper.ipc.codec.MappingsEncoder;
import org.rbdwrapper.ipc.codec.MessengersEncoder;
import org.rbdwrapper.ipc.codec.OpenAttachedEncoder;
import org.rbdwrapper.ipc.codec.OpenSharedEncoder;
import org.rbdwrapper.ipc.codec.ProgressEncoder;
import org.rbdwrapper.ipc.codec.ResumedEncoder;
import org.rbdwrapper.ipc.codec.StallsEncoder;
import org.rbdwrapper.ipc.codec.WelcomeEncoder;
import org.rbdwrapper.ipc.control.FrameBuffer;

import java.util.Collection;
import java.util.List;
import java.util.function.ToIntFunction;

/** Encodes what the broker says to a client. Each method returns a frame that is the caller's. */
final class ControlProxy {
    /**
     * What fits beside the fields of one answer; also bounds what a hostile name can make us send.
     */
    private static final int MAX_TEXT = 4096;

    /** What people read; all of them, with such texts, would not fit into an answer. */
    private static final int MAX_STALLS = 256;

    private ControlProxy() {}

    static FrameBuffer welcome(long sessionId, long segmentLength) {
        FrameBuffer frame = new FrameBuffer();
        WelcomeEncoder message = new WelcomeEncoder();
        message.wrapAndApplyHeader(frame.buffer(), FrameBuffer.MESSAGE_OFFSET, frame.header())
                .protocolMajor(ProtocolVersion.MAJOR)
                .protocolMinor(ProtocolVersion.MINOR)
                .sessionId(sessionId)
                .segmentLength(segmentLength)
                .release(ProtocolVersion.release());
        return frame.finish(message.encodedLength());
    }

    static FrameBuffer error(long correlationId, ErrnoException failure) {
        FrameBuffer frame = new FrameBuffer();
        ErrorEncoder message = new ErrorEncoder();
        message.wrapAndApplyHeader(frame.buffer(), FrameBuffer.MESSAGE_OFFSET, frame.header())
                .correlationId(correlationId)
                .errno(failure.errno().number())
                .text(oneLine(failure.what()));
        return frame.finish(message.encodedLength());
    }

    static FrameBuffer done(long correlationId) {
        FrameBuffer frame = new FrameBuffer();
        DoneEncoder message = new DoneEncoder();
        message.wrapAndApplyHeader(frame.buffer(), FrameBuffer.MESSAGE_OFFSET, frame.header())
                .correlationId(correlationId);
        return frame.finish(message.encodedLength());
    }

    static FrameBuffer resumed(long correlationId, boolean late) {
        FrameBuffer frame = new FrameBuffer();
        ResumedEncoder message = new ResumedEncoder();
        message.wrapAndApplyHeader(frame.buffer(), FrameBuffer.MESSAGE_OFFSET, frame.header())
                .correlationId(correlationId)
                .late((short) (late ? 1 : 0));
        return frame.finish(message.encodedLength());
    }

    static FrameBuffer changesWatched(long correlationId) {
        FrameBuffer frame = new FrameBuffer();
        ChangesWatchedEncoder message = new ChangesWatchedEncoder();
        message.wrapAndApplyHeader(frame.buffer(), FrameBuffer.MESSAGE_OFFSET, frame.header())
                .correlationId(correlationId);
        return frame.finish(message.encodedLength());
    }

    static FrameBuffer lockFileOpened(long correlationId) {
        FrameBuffer frame = new FrameBuffer();
        LockFileOpenedEncoder message = new LockFileOpenedEncoder();
        message.wrapAndApplyHeader(frame.buffer(), FrameBuffer.MESSAGE_OFFSET, frame.header())
                .correlationId(correlationId);
        return frame.finish(message.encodedLength());
    }

    static FrameBuffer progress(long correlationId, long done, long total) {
        FrameBuffer frame = new FrameBuffer();
        ProgressEncoder message = new ProgressEncoder();
        message.wrapAndApplyHeader(frame.buffer(), FrameBuffer.MESSAGE_OFFSET, frame.header())
                .correlationId(correlationId)
                .done(done)
                .total(total);
        return frame.finish(message.encodedLength());
    }

    static FrameBuffer imageOpened(
            long correlationId, Session.MappedOpen open, boolean read, boolean write) {
        FrameBuffer frame = new FrameBuffer();
        ImageOpenedEncoder message = new ImageOpenedEncoder();
        message.wrapAndApplyHeader(frame.buffer(), FrameBuffer.MESSAGE_OFFSET, frame.header())
                .correlationId(correlationId)
                .handle(open.open().handle().handle())
                .mappingId(open.mapping().id())
                .size(open.open().image().size())
                .objectSize(open.open().image().objectSize());
        message.flags().clear().read(read).write(write);
        message.imageId(open.open().image().imageId());
        return frame.finish(message.encodedLength());
    }

    static FrameBuffer openShared(long correlationId) {
        FrameBuffer frame = new FrameBuffer();
        OpenSharedEncoder message = new OpenSharedEncoder();
        message.wrapAndApplyHeader(frame.buffer(), FrameBuffer.MESSAGE_OFFSET, frame.header())
                .correlationId(correlationId);
        return frame.finish(message.encodedLength());
    }

    static FrameBuffer openAttached(long correlationId, Session.MappedOpen open) {
        FileDescription description = open.description();
        FrameBuffer frame = new FrameBuffer();
        OpenAttachedEncoder message = new OpenAttachedEncoder();
        message.wrapAndApplyHeader(frame.buffer(), FrameBuffer.MESSAGE_OFFSET, frame.header())
                .correlationId(correlationId)
                .handle(open.open().handle().handle())
                .partition(description.part().partition())
                .start(description.part().base())
                .length(description.part().length());
        message.flags().clear().read(description.read()).write(description.write());
        message.imageId(description.imageId())
                .mappedPath(open.mapping().path())
                .path(description.part().path());
        return frame.finish(message.encodedLength());
    }

    static FrameBuffer imageStat(long correlationId, Mapping mapping, ImageFacts facts) {
        ImageTimes times = facts.times();
        FrameBuffer frame = new FrameBuffer();
        ImageStatEncoder message = new ImageStatEncoder();
        message.wrapAndApplyHeader(frame.buffer(), FrameBuffer.MESSAGE_OFFSET, frame.header())
                .correlationId(correlationId)
                .mappingId(mapping.id())
                .size(facts.size())
                .objectSize(facts.objectSize())
                .ownerUid(Integer.toUnsignedLong(mapping.ownerUid()))
                .ownerGid(Integer.toUnsignedLong(mapping.ownerGid()))
                .mode(mapping.mode());
        message.flags().clear().readOnly(mapping.readOnly()).snapshot(mapping.spec().isSnapshot());
        message.mappedAt(mapping.mappedAtNanos())
                .accessedAt(times.accessed())
                .modifiedAt(times.modified())
                .changedAt(times.changed())
                .createdAt(times.created());
        return frame.finish(message.encodedLength());
    }

    static FrameBuffer imageMapped(long correlationId, Mapping mapping) {
        FrameBuffer frame = new FrameBuffer();
        ImageMappedEncoder message = new ImageMappedEncoder();
        message.wrapAndApplyHeader(frame.buffer(), FrameBuffer.MESSAGE_OFFSET, frame.header())
                .correlationId(correlationId)
                .mappingId(mapping.id())
                .path(mapping.path());
        return frame.finish(message.encodedLength());
    }

    static FrameBuffer mappings(
            long correlationId, Collection<Mapping> mappings, ToIntFunction<Mapping> opens) {
        FrameBuffer frame = new FrameBuffer();
        MappingsEncoder message = new MappingsEncoder();
        MappingsEncoder.MappingEncoder group =
                message.wrapAndApplyHeader(
                                frame.buffer(), FrameBuffer.MESSAGE_OFFSET, frame.header())
                        .correlationId(correlationId)
                        .mappingCount(mappings.size());
        for (Mapping mapping : mappings) {
            group.next()
                    .mappingId(mapping.id())
                    .ownerUid(Integer.toUnsignedLong(mapping.ownerUid()))
                    .ownerGid(Integer.toUnsignedLong(mapping.ownerGid()))
                    .mode(mapping.mode());
            group.flags().clear().readOnly(mapping.readOnly());
            ImageSpec spec = mapping.spec();
            group.opens(opens.applyAsInt(mapping))
                    .mappedAt(mapping.mappedAtNanos())
                    .pool(spec.pool())
                    .poolNamespace(spec.namespace())
                    .image(spec.image())
                    .snap(spec.snap())
                    .path(mapping.path())
                    .options(mapping.options());
        }
        return frame.finish(message.encodedLength());
    }

    static FrameBuffer images(long correlationId, List<String> names) {
        FrameBuffer frame = new FrameBuffer();
        ImagesEncoder message = new ImagesEncoder();
        ImagesEncoder.ImageEncoder group =
                message.wrapAndApplyHeader(
                                frame.buffer(), FrameBuffer.MESSAGE_OFFSET, frame.header())
                        .correlationId(correlationId)
                        .imageCount(names.size());
        for (String name : names) {
            group.next().name(name);
        }
        return frame.finish(message.encodedLength());
    }

    static FrameBuffer imageDescription(long correlationId, ImageSpec spec, ImageDetails details) {
        FrameBuffer frame = new FrameBuffer();
        ImageDescriptionEncoder message = new ImageDescriptionEncoder();
        message.wrapAndApplyHeader(frame.buffer(), FrameBuffer.MESSAGE_OFFSET, frame.header())
                .correlationId(correlationId)
                .size(details.size())
                .objectSize(details.objectSize())
                .snapshotCount(details.snapshotCount())
                .features(details.features())
                .createdAt(details.times().created())
                .spec(spec.toString())
                .imageId(details.imageId())
                .blockNamePrefix(details.blockNamePrefix());
        return frame.finish(message.encodedLength());
    }

    static FrameBuffer clients(long correlationId, Collection<Session> sessions) {
        FrameBuffer frame = new FrameBuffer();
        ClientsEncoder message = new ClientsEncoder();
        ClientsEncoder.ClientEncoder group =
                message.wrapAndApplyHeader(
                                frame.buffer(), FrameBuffer.MESSAGE_OFFSET, frame.header())
                        .correlationId(correlationId)
                        .clientCount(sessions.size());
        for (Session session : sessions) {
            long inFlight = 0;
            StringBuilder paths = new StringBuilder();
            for (Session.MappedOpen open : session.mappedOpens()) {
                inFlight += open.open().handle().inFlight();
                if (paths.length() < MAX_TEXT) {
                    paths.append(paths.isEmpty() ? "" : "\n").append(open.mapping().path());
                }
            }
            group.next()
                    .sessionId(session.id)
                    .pid(session.peer.pid())
                    .uid(Integer.toUnsignedLong(session.peer.uid()))
                    .gid(Integer.toUnsignedLong(session.peer.gid()))
                    .opens(session.opens.size())
                    .inFlight(inFlight)
                    .messenger(session.messenger == null ? -1 : session.messenger.index())
                    .channels(session.channels == null ? 0 : session.channels.geometry().channels())
                    .connectedAt(session.connectedAtNanos)
                    .requests(session.requests())
                    .program(session.program)
                    .paths(paths.toString());
        }
        return frame.finish(message.encodedLength());
    }

    static FrameBuffer brokerDescription(long correlationId, BrokerStatus status) {
        FrameBuffer frame = new FrameBuffer();
        BrokerDescriptionEncoder message = new BrokerDescriptionEncoder();
        MutableDirectBuffer buffer = frame.buffer();
        message.wrapAndApplyHeader(buffer, FrameBuffer.MESSAGE_OFFSET, frame.header())
                .correlationId(correlationId)
                .pid((int) ProcessHandle.current().pid())
                .startedAt(status.startedAtNanos())
                .sessions(status.sessions())
                .mappings(status.mappings())
                .opens(status.opens())
                .messengers(status.messengers())
                .violations(status.violations())
                .release(ProtocolVersion.release())
                .store(status.store())
                .policy(status.policy())
                .runDir(status.runDir())
                .stateDir(status.stateDir())
                .logFile(status.logFile());
        return frame.finish(message.encodedLength());
    }

    static FrameBuffer limits(long correlationId, Collection<ResourceUse> uses) {
        FrameBuffer frame = new FrameBuffer();
        LimitsEncoder message = new LimitsEncoder();
        LimitsEncoder.ResourceEncoder group =
                message.wrapAndApplyHeader(
                                frame.buffer(), FrameBuffer.MESSAGE_OFFSET, frame.header())
                        .correlationId(correlationId)
                        .resourceCount(uses.size());
        for (ResourceUse use : uses) {
            group.next()
                    .used(use.used())
                    .maximum(use.limit())
                    .userMaximum(use.userLimit())
                    .name(use.key());
        }
        return frame.finish(message.encodedLength());
    }

    static FrameBuffer stalls(long correlationId, List<StallReport> stalls) {
        FrameBuffer frame = new FrameBuffer();
        StallsEncoder message = new StallsEncoder();
        int told = Math.min(stalls.size(), MAX_STALLS);
        StallsEncoder.StallEncoder group =
                message.wrapAndApplyHeader(
                                frame.buffer(), FrameBuffer.MESSAGE_OFFSET, frame.header())
                        .correlationId(correlationId)
                        .stallCount(told);
        long now = System.nanoTime();
        for (StallReport stall : stalls.subList(0, told)) {
            group.next()
                    .threads(stall.threads())
                    .lasted(stall.millis(now) * 1_000_000)
                    .thread(stall.thread())
                    .what(oneLine(stall.what()));
        }
        return frame.finish(message.encodedLength());
    }

    static FrameBuffer messengers(long correlationId, Collection<MessengerStatus> messengers) {
        FrameBuffer frame = new FrameBuffer();
        MessengersEncoder message = new MessengersEncoder();
        MessengersEncoder.MessengerEncoder group =
                message.wrapAndApplyHeader(
                                frame.buffer(), FrameBuffer.MESSAGE_OFFSET, frame.header())
                        .correlationId(correlationId)
                        .messengerCount(messengers.size());
        for (MessengerStatus messenger : messengers) {
            MessengerActivity activity = messenger.sample().activity();
            List<ThreadTime> threads = messenger.sample().connection();
            MessengersEncoder.MessengerEncoder.ThreadEncoder times =
                    group.next()
                            .index(messenger.sample().index())
                            .sessions(messenger.sessions())
                            .opens(messenger.opens())
                            .inFlight(messenger.inFlight())
                            .elapsed(activity.elapsedNanos())
                            .busy(activity.busyNanos())
                            .requests(activity.requests())
                            .transferred(activity.bytes())
                            .turns(activity.turns())
                            .fullBatches(activity.fullBatches())
                            .threadCount(threads.size());
            for (ThreadTime thread : threads) {
                times.next().tid(thread.thread()).processorTime(thread.nanos()).name(thread.name());
            }
        }
        return frame.finish(message.encodedLength());
    }

    private static String oneLine(String text) {
        String line = text == null ? "unknown failure" : text.replace('\n', ' ').replace('\r', ' ');
        return line.length() > MAX_TEXT ? line.substring(0, MAX_TEXT) : line;
    }
}
