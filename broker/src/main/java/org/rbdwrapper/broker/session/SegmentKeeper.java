package org.rbdwrapper.broker.session;

import org.rbdwrapper.broker.CallOrigin;
import org.rbdwrapper.broker.Lane;
import org.rbdwrapper.broker.Workers;
import org.rbdwrapper.broker.map.Permissions;
import org.rbdwrapper.broker.messenger.FlowControl;
import org.rbdwrapper.broker.messenger.SessionChannels;
import org.rbdwrapper.ipc.Errno;
import org.rbdwrapper.ipc.ErrnoException;
import org.rbdwrapper.ipc.segment.SegmentGeometry;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.util.HashMap;
import java.util.Map;
import java.util.function.Consumer;

/**
 * Has the memory of sessions made and given back, by workers: the kernel zeroes each page of it,
 * for which others would wait.
 *
 * <p>So that nobody has a core do that all the time, a user who is granted more than {@link
 * #BYTES_PER_SECOND} in the long run waits for the rest. Root and the broker's own user do not.
 *
 * <p>Conductor's thread.
 */
final class SegmentKeeper {
    private static final Logger LOG = LoggerFactory.getLogger(SegmentKeeper.class);

    /** For one user. */
    static final long BYTES_PER_SECOND = 256L << 20;

    /** What a user may be granted at once who has been granted nothing for a while. */
    static final long BURST = 1L << 30;

    /** Between looks whether a user may be granted more, or a thread can be had. */
    private static final long PAUSE_NANOS = 100_000_000;

    private final Conductor conductor;
    private final Workers workers;
    private final DelayedTasks delayed;
    private final FlowControl flows;
    private final Permissions permissions;
    private final Map<Integer, Allowance> allowances = new HashMap<>();
    private final PerSecond granted = new PerSecond();

    SegmentKeeper(
            Conductor conductor,
            Workers workers,
            DelayedTasks delayed,
            Permissions permissions,
            FlowControl flows) {
        this.conductor = conductor;
        this.workers = workers;
        this.delayed = delayed;
        this.permissions = permissions;
        this.flows = flows;
    }

    /**
     * Makes a session's channels. One of the two is called, later, unless the session has ended.
     *
     * @param generation of the broker.
     */
    void make(
            Session session,
            SegmentGeometry geometry,
            long generation,
            Consumer<SessionChannels> onMade,
            Consumer<ErrnoException> onFailed) {
        session.pendingRequests++; // what it has of the limits stays taken until this is done
        String name = session.describe();
        whenGranted(
                session,
                geometry.segmentLength(),
                () ->
                        workers.call(
                                new CallOrigin(
                                        Lane.MEMORY,
                                        session.peer.uid(),
                                        "making the memory of " + name,
                                        () -> !session.isEnded()),
                                () ->
                                        SessionChannels.create(
                                                name,
                                                geometry,
                                                generation,
                                                flows,
                                                session.peer.uid(),
                                                () -> conductor.onViolation(session)),
                                made -> onMade(session, made, onMade),
                                failure -> {
                                    done(session);
                                    if (!session.isEnded()) {
                                        onFailed.accept(failure);
                                    }
                                }));
    }

    private void onMade(
            Session session, SessionChannels channels, Consumer<SessionChannels> onMade) {
        if (!session.isEnded()) {
            done(session);
            onMade.accept(channels);
            return;
        }
        try {
            channels.closeMemoryFd();
        } catch (ErrnoException e) {
            LOG.warn("segment of {}: {}", session.describe(), e.describe());
        }
        free(session, channels, () -> done(session));
    }

    private void done(Session session) {
        session.pendingRequests--;
        conductor.onReplied(session);
    }

    /** Later, when its user's turn has come. */
    private void whenGranted(Session session, long bytes, Runnable then) {
        long now = System.nanoTime();
        int uid = session.peer.uid();
        allowances.values().removeIf(allowance -> allowance.isWhole(now));
        Allowance allowance =
                allowances.computeIfAbsent(uid, one -> new Allowance(BYTES_PER_SECOND, BURST, now));
        if (permissions.mayAdminister(uid) || allowance.isLeft(now)) {
            allowance.take(bytes, now);
            granted.add(bytes, now);
            then.run();
        } else {
            delayed.add(now, PAUSE_NANOS, () -> whenGranted(session, bytes, then));
        }
    }

    /** To all users in the last second, in bytes. */
    long grantedBytes() {
        return granted.last(System.nanoTime());
    }

    /** Gives the memory back; nothing of the session touches it any more. */
    void free(Session session, SessionChannels channels, Runnable then) {
        workers.call(
                new CallOrigin(
                        Lane.MEMORY,
                        session.peer.uid(),
                        "giving back the memory of " + session.describe()),
                () -> {
                    channels.free();
                    return channels;
                },
                freed -> then.run(),
                failure -> {
                    if (failure.errno().equals(Errno.EAGAIN)) { // there is no thread for it now
                        delayed.add(
                                System.nanoTime(),
                                PAUSE_NANOS,
                                () -> free(session, channels, then));
                        return;
                    }
                    LOG.warn(
                            "segment of {} cannot be freed: {}",
                            session.describe(),
                            failure.describe());
                    then.run();
                });
    }
}
