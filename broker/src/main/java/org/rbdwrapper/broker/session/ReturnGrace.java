package org.rbdwrapper.broker.session;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

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

    private final Map<SessionKey, SessionRoster.Entry> expected;
    private final Set<Session> returning = new HashSet<>();
    private final List<Runnable> waiting = new ArrayList<>();
    private final long deadline;
    private boolean over;

    /**
     * @param expected sessions of the broker before, whose processes are there.
     * @param now of {@link System#nanoTime}.
     */
    ReturnGrace(Map<SessionKey, SessionRoster.Entry> expected, long now) {
        this.expected = new HashMap<>(expected);
        this.deadline = now + LIMIT_NANOS;
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
     * @return false where it is late, or was never waited for.
     */
    boolean admit(Session session, SessionKey before) {
        if (over || expected.remove(before) == null) {
            return false;
        }
        returning.add(session);
        return true;
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

    /** Now and then: whether somebody need not be waited for any more. */
    void look(long now) {
        if (over) {
            return;
        }
        expected.values().removeIf(entry -> !entry.isAlive());
        if (now - deadline >= 0) {
            end();
        } else {
            endIfAllAreBack();
        }
    }

    private void endIfAllAreBack() {
        if (!over && expected.isEmpty() && returning.isEmpty()) {
            end();
        }
    }

    private void end() {
        over = true;
        List<Runnable> now = new ArrayList<>(waiting);
        waiting.clear();
        now.forEach(Runnable::run);
    }
}
