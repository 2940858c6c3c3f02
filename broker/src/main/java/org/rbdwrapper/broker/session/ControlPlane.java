package org.rbdwrapper.broker.session;

import org.rbdwrapper.broker.BrokerOptions;
import org.rbdwrapper.broker.Clock;
import org.rbdwrapper.broker.Workers;
import org.rbdwrapper.broker.image.EndFile;
import org.rbdwrapper.broker.image.SharedImages;
import org.rbdwrapper.broker.map.ImageMap;
import org.rbdwrapper.broker.map.Permissions;
import org.rbdwrapper.broker.messenger.FlowControl;
import org.rbdwrapper.broker.messenger.MessengerPool;
import org.rbdwrapper.broker.store.StoreConnection;
import org.rbdwrapper.broker.watch.Watchdog;
import org.rbdwrapper.ipc.ErrnoException;
import org.rbdwrapper.ipc.posix.ProcessIdentity;

import java.nio.file.Path;
import java.util.Map;
import java.util.stream.Collectors;

/** Puts together who answers the clients' messages. */
public final class ControlPlane {
    private ControlPlane() {}

    /** Called before the conductor's thread starts. */
    public static void assemble(
            Conductor conductor,
            ImageMap map,
            MessengerPool messengers,
            FlowControl flows,
            StoreConnection administration,
            Workers workers,
            BrokerOptions options,
            String store,
            long generation,
            Watchdog watchdog)
            throws ErrnoException {
        long startedAt = Clock.epochNanos();
        int uid = ProcessIdentity.uid();
        Permissions permissions = new Permissions(uid);
        SessionRoster roster = new SessionRoster(options.runDir());
        Map<SessionKey, SessionRoster.Entry> before = roster.load();
        SessionNotes notes = new SessionNotes(roster, workers);
        DelayedTasks delayed = new DelayedTasks();
        ReturnGrace grace =
                new ReturnGrace(
                        before,
                        System.nanoTime(),
                        notes,
                        session -> conductor.end(session, "it came back and did nothing more"),
                        new Starvation()::isHeldUp);
        SessionLimits limits = new SessionLimits(options.limits(), uid);
        ReturnHandler returns = new ReturnHandler(notes, grace, generation);
        LockFiles lockFiles = LockFiles.of(options.runDir(), !before.isEmpty());
        SharedImages images =
                new SharedImages(
                        messengers, workers, EndFile.of(options.runDir(), !before.isEmpty()));
        EndHandler ends =
                new EndHandler(
                        map, images, grace, delayed, conductor::sessions, conductor::isStopping);
        FileDescriptions descriptions =
                new FileDescriptions(
                        options.runDir(), !before.isEmpty(), workers, limits, System.nanoTime());
        ImageInquiries inquiries = new ImageInquiries(administration, images, workers, delayed);
        SegmentKeeper segments = new SegmentKeeper(conductor, workers, delayed, permissions, flows);
        OpenHandler opens =
                new OpenHandler(
                        map,
                        images,
                        permissions,
                        messengers.policy(),
                        workers,
                        lockFiles,
                        grace,
                        limits,
                        delayed,
                        ends,
                        descriptions);
        StatusHandler status =
                new StatusHandler(
                        conductor,
                        () ->
                                new BrokerStatus(
                                        startedAt,
                                        conductor.sessions().size(),
                                        map.size(),
                                        conductor.sessions().stream()
                                                .mapToInt(s -> s.opens.size())
                                                .sum(),
                                        messengers.size(),
                                        conductor.violations(),
                                        store,
                                        messengers.policy().toString(),
                                        options.runDir().toString(),
                                        options.stateDir().toString(),
                                        options.logFile().toString()),
                        new MessengerStatuses(conductor, messengers),
                        limits,
                        flows,
                        segments,
                        workers,
                        watchdog);
        ControlAdapter adapter =
                new ControlAdapter(
                        conductor,
                        new HelloHandler(conductor, messengers, limits, segments, generation),
                        opens,
                        new StatHandler(
                                map, permissions, administration, inquiries, workers, lockFiles),
                        new MapHandler(
                                conductor,
                                map,
                                opens,
                                permissions,
                                administration,
                                inquiries,
                                workers,
                                grace,
                                delayed),
                        new ImageHandler(map, images, permissions, administration, workers),
                        status,
                        returns,
                        ends);
        conductor.handlers(
                adapter,
                opens,
                delayed,
                grace,
                new StoreWatch(conductor, images, store),
                limits,
                descriptions,
                segments,
                session -> {
                    if (session.messenger != null) {
                        messengers.release(session.messenger);
                    }
                    returns.onEnd(session, conductor.isStopping());
                });
    }

    /**
     * Of a broker that has ended: what only clients that come back to the next one have use for.
     */
    public static void leaveNothingUnlessAwaited(Path runDir) throws ErrnoException {
        if (!SessionRoster.isAnyNoted(runDir)) {
            EndFile.remove(runDir);
            LockFiles.removeAll(runDir);
        }
    }

    /** Of each session, by its number: how many I/O requests it has made. Conductor's thread. */
    public static Map<Long, Long> requestsBySession(Conductor conductor) {
        return conductor.sessions().stream()
                .collect(Collectors.toMap(session -> session.id, Session::requests));
    }
}
