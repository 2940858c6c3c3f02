package org.rbdwrapper.broker.session;

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

    /** What a user may take at once who has taken nothing for a while: some thousand messages. */
    static final long BURST_NANOS = 200_000_000;

    /** How much of what a user did not want while others worked he may have before them later. */
    static final long ADVANTAGE_NANOS = 10_000_000;

    private final Map<Integer, OfUser> users = new HashMap<>();
    private final PerSecond worked = new PerSecond();
    private final int brokerUid;

    /** Of a user whose sessions have messages or have had them lately. */
    private static final class OfUser {
        final ArrayDeque<Session> ready = new ArrayDeque<>();

        /** What was worked for him, as far as it counts beside the others. */
        long workedNanos;

        /** What he may take; below 0 he waits. */
        long creditNanos = BURST_NANOS;

        long creditAt;

        void refill(long now) {
            long earned = (long) ((now - creditAt) * SHARE);
            creditNanos = Math.min(BURST_NANOS, creditNanos + earned);
            creditAt = now;
        }
    }

    /**
     * @param brokerUid whose clients are root's equals.
     */
    ControlTurns(int brokerUid) {
        this.brokerUid = brokerUid;
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
        return isToWait(session.peer.uid(), user);
    }

    /** The session whose message is to be taken now; null: none. */
    Session next(long now) {
        OfUser best = null;
        Iterator<Map.Entry<Integer, OfUser>> all = users.entrySet().iterator();
        while (all.hasNext()) {
            Map.Entry<Integer, OfUser> entry = all.next();
            OfUser user = entry.getValue();
            user.refill(now);
            if (user.ready.isEmpty()) {
                if (user.creditNanos == BURST_NANOS) {
                    all.remove(); // as one who comes for the first time
                }
            } else if (!isToWait(entry.getKey(), user)
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
        OfUser user = of(uid, now);
        user.workedNanos += nanos;
        user.creditNanos -= nanos;
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
                user.refill(now);
                long wait = isToWait(entry.getKey(), user) ? -user.creditNanos : 0;
                least = Math.min(least, (long) (wait / SHARE));
            }
        }
        return least;
    }

    /** For all users in the last second, in nanoseconds. */
    long workedNanos(long now) {
        return worked.last(now);
    }

    /** How many users have messages and wait until they may have more of the conductor's time. */
    int waitingUsers() {
        int waiting = 0;
        for (Map.Entry<Integer, OfUser> entry : users.entrySet()) {
            OfUser user = entry.getValue();
            waiting += !user.ready.isEmpty() && isToWait(entry.getKey(), user) ? 1 : 0;
        }
        return waiting;
    }

    private OfUser of(int uid, long now) {
        OfUser user = users.get(uid);
        if (user == null) {
            user = new OfUser();
            user.creditAt = now;
            users.put(uid, user);
        }
        return user;
    }

    private boolean isToWait(int uid, OfUser user) {
        return user.creditNanos < 0 && uid != 0 && uid != brokerUid;
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
