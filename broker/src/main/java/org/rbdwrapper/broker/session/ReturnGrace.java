package org.rbdwrapper.broker.session;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;

/**
 * The time after a broker's start that belongs to the clients of the one before.
 *
 * <p>A request without an answer may have been done or not, so its client makes it again. That is
 * right as long as nobody has seen the bytes change in between:
 *
 * <pre>
 *   A: write(1) ..............................................(again) write(1) -> done
 *   B:              read -> 1 | broker dies |  write(2) -> done                       read -> 1
 * </pre>
 *
 * <p>B's write is overwritten by one that had taken effect before it: no order of the two explains
 * what B has read. So no request that was not under way is taken before each client that had some
 * is back and has its answers, or is known to be gone. Then every write made again comes before
 * whatever was begun after the broker's death, and the order is that of a pause.
 *
 * <p>Not waited for are clients of which the broker had taken no request that it did not answer, as
 * its {@link org.rbdwrapper.broker.messenger.RequestLedger} says: whatever these make, they make
 * for the first time. A program under the preload library that does nothing comes back only when it
 * does something.
 *
 * <p>Who is not back in time (a process that is stopped) may have made no difference or a large
 * one, and is told that it is late: its changes without an answer fail with EIO instead of being
 * made again.
 *
 * <p>Conductor's thread.
 */
final class ReturnGrace {
    /**
     * Clients look for their broker many times a second: who is not back by then is not running.
     */
    static final long LIMIT_NANOS = 3_000_000_000L;

    /** How often it is looked whether those that are not waited for are still there. */
    static final long IDLE_LOOK_NANOS = 1_000_000_000L;

    private final Set<Lineage> expected = new HashSet<>();
    private final Set<Lineage> idle = new HashSet<>();
    private final Consumer<SessionKey> onMissing;
    private final Set<Session> returning = new HashSet<>();
    private final List<Runnable> waiting = new ArrayList<>();
    private final long deadline;
    private long nextIdleLook;
    private boolean over;

    /**
     * @param before sessions of the broker before, whose processes are there.
     * @param now of {@link System#nanoTime}.
     * @param onMissing hears of each that has not come back in time, or is gone.
     */
    ReturnGrace(
            Map<SessionKey, SessionRoster.Entry> before, long now, Consumer<SessionKey> onMissing) {
        for (SessionKey key : before.keySet()) {
            if (!isIn(expected, key) && !isIn(idle, key)) {
                Lineage lineage = Lineage.of(key, before);
                (lineage.hadRequests() ? expected : idle).add(lineage);
            }
        }
        this.onMissing = onMissing;
        this.deadline = now + LIMIT_NANOS;
        this.nextIdleLook = now;
        this.over = expected.isEmpty();
    }

    boolean isOver() {
        return over;
    }

    /** Runs what must not come before the requests of who returns; at once when it is over. */
    void whenOver(Runnable then) {
        if (over) {
            then.run();
        } else {
            waiting.add(then);
        }
    }

    /**
     * A client has come back.
     *
     * @return the keys that it had, which include this one; empty where it is late: others have
     *     gone on.
     */
    Set<SessionKey> admit(Session session, SessionKey before) {
        Lineage lineage = take(idle, before);
        if (lineage == null) {
            lineage = take(expected, before);
        }
        if (lineage == null) {
            return Set.of();
        }
        if (!over) {
            returning.add(session);
        }
        return lineage.keys();
    }

    private static boolean isIn(Set<Lineage> known, SessionKey key) {
        return known.stream().anyMatch(lineage -> lineage.keys().contains(key));
    }

    private static Lineage take(Set<Lineage> from, SessionKey key) {
        for (Lineage lineage : from) {
            if (lineage.keys().contains(key)) {
                from.remove(lineage);
                return lineage;
            }
        }
        return null;
    }

    /** Whether it may open images and make requests though this is not over. */
    boolean isReturning(Session session) {
        return returning.contains(session);
    }

    /** It has its answers, or has gone for good. */
    void onReturned(Session session) {
        if (returning.remove(session)) {
            endIfAllAreBack();
        }
    }

    /** Now and then: whether somebody need not be waited for any more, or will not come back. */
    void look(long now) {
        if (!idle.isEmpty() && now - nextIdleLook >= 0) {
            removeTheGone(idle);
            nextIdleLook = now + IDLE_LOOK_NANOS;
        }
        if (over) {
            return;
        }
        removeTheGone(expected);
        if (now - deadline >= 0) {
            end();
        } else {
            endIfAllAreBack();
        }
    }

    private void removeTheGone(Set<Lineage> from) {
        from.removeIf(
                lineage -> {
                    boolean gone = !lineage.entry().isAlive();
                    if (gone) {
                        lineage.keys().forEach(onMissing);
                    }
                    return gone;
                });
    }

    private void endIfAllAreBack() {
        if (!over && expected.isEmpty() && returning.isEmpty()) {
            end();
        }
    }

    private void end() {
        over = true;
        expected.forEach(lineage -> lineage.keys().forEach(onMissing));
        expected.clear();
        List<Runnable> now = new ArrayList<>(waiting);
        waiting.clear();
        now.forEach(Runnable::run);
    }
}
