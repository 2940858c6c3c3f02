package org.rbdwrapper.broker.session;

import org.rbdwrapper.broker.map.Permissions;

import java.util.ArrayDeque;
import java.util.HashMap;
import java.util.Iterator;
import java.util.Map;

/**
 * Whose message is taken next: of the users who have sessions with messages that of whom the
 * conductor has worked least for lately, and of his sessions one after the other. So a user whose
 * sessions ask without end, or for what takes long, has his own wait, and others wait for one
 * message of his at most.
 *
 * <p>Of the conductor's time one user gets no more than {@link #SHARE} in the long run, even where
 * nobody else wants it: on a host of few cores the conductor's thread would take them from those
 * who read and write. Root and the broker's own user take their turns, and have no such limit.
 *
 * <p>Conductor's thread.
 */
final class ControlTurns {
    /** Of the conductor's time. */
    static final double SHARE = 0.25;

    /** What a user may take at once who has taken nothing for a while. */
    static final long BURST_NANOS = 200_000_000;

    /**
     * Who has taken all that he may waits until so much is there again, instead of until the next
     * message could be taken: else the conductor would wake for each of them, and push others off
     * their core each time.
     */
    static final long PORTION_NANOS = 2_000_000;

    /** How much of what a user did not want while others worked he may have before them later. */
    static final long ADVANTAGE_NANOS = 10_000_000;

    private final Map<Integer, OfUser> users = new HashMap<>();
    private final PerSecond worked = new PerSecond();
    private final Permissions permissions;

    /** Of a user whose sessions have messages or have had them lately. */
    private static final class OfUser {
        final ArrayDeque<Session> ready = new ArrayDeque<>();

        /** What was worked for him, as far as it counts beside the others. */
        long workedNanos;

        /** Nanoseconds of work. */
        final Allowance allowance;

        /** When he may have the next portion, or had it, of {@link System#nanoTime}. */
        long waitsUntil;

        OfUser(long now) {
            allowance = new Allowance(Math.round(SHARE * 1e9), BURST_NANOS, now);
            waitsUntil = now;
        }

        void take(long nanos, long now) {
            workedNanos += nanos;
            allowance.take(nanos, now);
            if (!allowance.isLeft(now)) {
                waitsUntil =
                        now + allowance.nanosUntilLeft(now) + Math.round(PORTION_NANOS / SHARE);
            }
        }
    }

    /**
     * @param brokerUid whose clients are root's equals.
     */
    ControlTurns(int brokerUid) {
        this.permissions = new Permissions(brokerUid);
    }

    /**
     * A session may have a message; it is queued once however often this is said.
     *
     * @return whether its user has to wait, so that nothing is gained by looking at its socket.
     */
    boolean add(Session session, long now) {
        OfUser user = of(session.peer.uid(), now);
        if (!session.isQueued) {
            session.isQueued = true;
            if (user.ready.isEmpty()) {
                user.workedNanos = Math.max(user.workedNanos, leastWorked() - ADVANTAGE_NANOS);
            }
            user.ready.add(session);
        }
        return nanosToWait(session.peer.uid(), user, now) > 0;
    }

    /** The session whose message is to be taken now; null: none. */
    Session next(long now) {
        OfUser best = null;
        Iterator<Map.Entry<Integer, OfUser>> all = users.entrySet().iterator();
        while (all.hasNext()) {
            Map.Entry<Integer, OfUser> entry = all.next();
            OfUser user = entry.getValue();
            if (user.ready.isEmpty()) {
                if (user.allowance.isWhole(now)) {
                    all.remove(); // as one who comes for the first time
                }
            } else if (nanosToWait(entry.getKey(), user, now) == 0
                    && (best == null || user.workedNanos < best.workedNanos)) {
                best = user;
            }
        }
        if (best == null) {
            return null;
        }
        Session session = best.ready.poll();
        session.isQueued = false;
        return session;
    }

    /** The conductor has worked so long for a user. */
    void charge(int uid, long nanos, long now) {
        of(uid, now).take(nanos, now);
        worked.add(nanos, now);
    }

    /**
     * How long until {@link #next} has one, in nanoseconds.
     *
     * @return 0: it has one now; {@link Long#MAX_VALUE}: nobody waits.
     */
    long nanosUntilNext(long now) {
        long least = Long.MAX_VALUE;
        for (Map.Entry<Integer, OfUser> entry : users.entrySet()) {
            OfUser user = entry.getValue();
            if (!user.ready.isEmpty()) {
                least = Math.min(least, nanosToWait(entry.getKey(), user, now));
            }
        }
        return least;
    }

    /** For all users in the last second, in nanoseconds. */
    long workedNanos(long now) {
        return worked.last(now);
    }

    private OfUser of(int uid, long now) {
        return users.computeIfAbsent(uid, one -> new OfUser(now));
    }

    private long nanosToWait(int uid, OfUser user, long now) {
        return permissions.mayAdminister(uid) ? 0 : Math.max(0, user.waitsUntil - now);
    }

    private long leastWorked() {
        long least = Long.MAX_VALUE;
        for (OfUser user : users.values()) {
            if (!user.ready.isEmpty()) {
                least = Math.min(least, user.workedNanos);
            }
        }
        return least == Long.MAX_VALUE ? 0 : least;
    }
}
