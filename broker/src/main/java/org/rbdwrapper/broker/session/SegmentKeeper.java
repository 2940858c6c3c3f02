package org.rbdwrapper.broker.session;

import org.rbdwrapper.broker.CallOrigin;
import org.rbdwrapper.broker.Lane;
import org.rbdwrapper.broker.Workers;
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
 * which takes a third of a second for 1 GiB.
 *
 * <p>So that nobody has a core do that all the time, a user who is granted more than {@link
 * #BYTES_PER_SECOND} in the long run waits for the rest. Root and the broker's own user do not.
 *
 * <p>Conductor's thread.
 */
final class SegmentKeeper {
    private static final Logger LOG = LoggerFactory.getLogger(SegmentKeeper.class);

    /** Of one user: some 80 sessions of the defaults, or a tenth of a core. */
    static final long BYTES_PER_SECOND = 256L << 20;

    /** What a user may be granted at once who has been granted nothing for a while. */
    static final long BURST = 1L << 30;

    private static final long TENTH_NANOS = 100_000_000;

    private final Conductor conductor;
    private final Workers workers;
    private final DelayedTasks delayed;
    private final SessionLimits limits;
    private final FlowControl flows;
    private final Map<Integer, Credit> credits = new HashMap<>();
    private final PerSecond granted = new PerSecond();

    /** Bytes that a user may be granted now; below 0 he waits. */
    private static final class Credit {
        long bytes = BURST;
        long at;

        Credit(long now) {
            at = now;
        }

        void refill(long now) {
            bytes = (long) Math.min(BURST, bytes + (now - at) / 1e9 * BYTES_PER_SECOND);
            at = now;
        }
    }

    SegmentKeeper(
            Conductor conductor,
            Workers workers,
            DelayedTasks delayed,
            SessionLimits limits,
            FlowControl flows) {
        this.conductor = conductor;
        this.workers = workers;
        this.delayed = delayed;
        this.limits = limits;
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
        credits.values().removeIf(credit -> credit.bytes >= BURST && now - credit.at > TENTH_NANOS);
        Credit credit = credits.computeIfAbsent(uid, one -> new Credit(now));
        credit.refill(now);
        if (credit.bytes >= 0 || limits.isPrivileged(uid)) {
            credit.bytes -= bytes;
            granted.add(bytes, now);
            then.run();
        } else {
            delayed.add(now, TENTH_NANOS, () -> whenGranted(session, bytes, then));
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
                                TENTH_NANOS,
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
