package org.rbdwrapper.broker.session;

import org.rbdwrapper.broker.Unexpected;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.Predicate;
import java.util.stream.Stream;

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
 * <p>Not promised is an order among the requests that were under way together when the broker died:
 * of two writes of the same block by two clients, the one that took effect first may be made again
 * last, so that its bytes are there again though the other's have been seen. Who has others wait
 * until a write is answered, as programs do that share a file, sees no difference. To keep that
 * order, too, the dead broker would have to leave behind which of its writes overlapped in which
 * order, on the way of each request.
 *
 * <p>Not waited for are clients of which the broker had taken no request that it did not answer, as
 * its {@link org.rbdwrapper.broker.messenger.RequestLedger} says: whatever these make, they make
 * for the first time. A program under the preload library that does nothing comes back only when it
 * does something.
 *
 * <p>Who is not back in time (a process that is stopped) may have made no difference or a large
 * one, and is told that it is late: its changes without an answer fail with EIO instead of being
 * made again. So is who comes back and then does nothing, before it has all its answers: its
 * session is ended, and others go on when what the store had of it is done. A store that takes its
 * time is waited for: that is no client's fault. So is, for longer, a client that an overloaded
 * host keeps from running: a pause harms less than EIO. A store that refuses to open what a client
 * had open is waited for as well, see {@link ReopenRetry}, and longer where nobody else waits.
 *
 * <p>A mapping that one of them had open, and may have open still, is in use: see {@link
 * #absentUsers}.
 *
 * <p>That they are late is on the disk before others go on: the broker after this one, if this one
 * is killed the moment after, must not take them for clients to be waited for. It stays there until
 * they come back or end, for what they may have open.
 *
 * <p>Conductor's thread.
 */
final class ReturnGrace {
    /**
     * Clients look for their broker many times a second: who is not back by then is not running.
     */
    static final long LIMIT_NANOS = 3_000_000_000L;

    /** Of who is kept from running: see {@link Starvation}. */
    static final long HELD_UP_LIMIT_NANOS = 30_000_000_000L;

    /**
     * A client of another container, of whose end nobody hears, may have had nothing to do until
     * then.
     */
    static final long HIDDEN_LIMIT_NANOS = 3_600_000_000_000L;

    /**
     * Requests of one that returns, for each that it can have had under way: it may have to split
     * them anew. One that makes more makes others than those, and would have everybody wait.
     */
    private static final int REQUESTS_A_TAG = 4;

    /** How often it is looked whether those that are not waited for are still there. */
    static final long IDLE_LOOK_NANOS = 1_000_000_000L;

    private final Set<Lineage> expected = new HashSet<>();
    private final Set<Lineage> idle = new HashSet<>();
    private final Set<Lineage> late = new HashSet<>(); // and not back
    private final Set<SessionKey> missing = new HashSet<>();
    private final Map<Session, Return> returning = new HashMap<>();
    private final Map<Integer, Long> workedFor = new HashMap<>(); // by process: when last
    private final List<Runnable> waiting = new ArrayList<>();
    private final Notes notes;
    private final Consumer<Session> cutOff;
    private final HeldUp heldUp;
    private final long start;
    private boolean ending;
    private long nextIdleLook;
    private boolean over;

    /** What the next broker will know of these. */
    interface Notes {
        /** They do not come back. */
        void forget(Set<SessionKey> keys, Runnable then);

        /** They are not to be waited for any more. */
        void markLate(Set<SessionKey> keys, Runnable then);
    }

    /** Whether the host keeps a process from running. */
    @FunctionalInterface
    interface HeldUp {
        boolean test(int pid, long now);
    }

    /** Of a client that is back and has not all its answers. */
    private static final class Return {
        private final Lineage lineage;
        private long lookedAt;
        private long idleNanos;
        private boolean isCutOff;

        /**
         * @param lineage with the session that it has now.
         */
        Return(Lineage lineage, long now) {
            this.lineage = lineage;
            this.lookedAt = now;
        }

        int pid() {
            return lineage.entry().pid();
        }
    }

    /**
     * @param before sessions of the broker before, whose processes are there.
     * @param now of {@link System#nanoTime}.
     * @param cutOff ends a session; {@link #onReturned} follows when nothing of it is under way.
     */
    ReturnGrace(
            Map<SessionKey, SessionRoster.Entry> before,
            long now,
            Notes notes,
            Consumer<Session> cutOff,
            HeldUp heldUp) {
        for (SessionKey key : before.keySet()) {
            if (!isIn(expected, key) && !isIn(idle, key) && !isIn(late, key)) {
                Lineage lineage = Lineage.of(key, before);
                Set<Lineage> waitingFor = lineage.hadRequests() ? expected : idle;
                (lineage.isLate() ? late : waitingFor).add(lineage);
            }
        }
        this.notes = notes;
        this.cutOff = cutOff;
        this.heldUp = heldUp;
        this.start = now;
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
     * @param own the key that it has from now on.
     * @param before which it says that it had; it may be another's.
     * @return what is known of it; {@link Lineage#LATE} where {@code before} is nobody's.
     */
    Lineage admit(Session session, SessionKey own, SessionKey before, long now) {
        Lineage lineage = take(idle, before, session);
        if (lineage == null) {
            lineage = take(expected, before, session);
        }
        if (lineage == null) {
            lineage = take(late, before, session);
            return lineage == null ? Lineage.LATE : lineage.asLate();
        }
        if (!over) {
            returning.put(session, new Return(lineage.with(own), now));
        }
        return lineage;
    }

    /**
     * Those that are not back, and may have this open still: they have not heard of this broker, as
     * nothing they did led them here, or they are late.
     *
     * @param mapping by when it was made.
     * @return for people: who they are.
     */
    List<String> absentUsers(long mapping) {
        return Stream.of(expected, idle, late)
                .flatMap(Set::stream)
                .filter(lineage -> lineage.mappings().mayContain(mapping))
                .map(Lineage::entry)
                .filter(SessionRoster.Entry::isAlive)
                .map(SessionRoster.Entry::describe)
                .toList();
    }

    /** Whether anybody may yet come back, however late. */
    boolean isAnyAbsent() {
        return !(expected.isEmpty() && idle.isEmpty() && late.isEmpty());
    }

    /** Whether those who look for their broker by themselves may still be on their way. */
    boolean isTimeToComeBack(long now) {
        return now - start < LIMIT_NANOS;
    }

    private static boolean isIn(Set<Lineage> known, SessionKey key) {
        return known.stream().anyMatch(lineage -> lineage.keys().contains(key));
    }

    private static Lineage take(Set<Lineage> from, SessionKey key, Session session) {
        for (Lineage lineage : from) {
            if (lineage.keys().contains(key) && lineage.entry().isOf(session.peer)) {
                from.remove(lineage);
                return lineage;
            }
        }
        return null;
    }

    /** Whether it may open images and make requests though this is not over. */
    boolean isReturning(Session session) {
        return returning.containsKey(session);
    }

    /** Whether this broker has ended it, to let others go on: its client comes back. */
    boolean isCutOff(Session session) {
        Return back = returning.get(session);
        return back != null && back.isCutOff;
    }

    /** It has its answers, or has gone for good. */
    void onReturned(Session session) {
        if (returning.remove(session) != null) {
            endIfAllAreBack();
        }
    }

    /** Now and then: whether somebody need not be waited for any more, or will not come back. */
    void look(long now) {
        if (!(idle.isEmpty() && late.isEmpty()) && now - nextIdleLook >= 0) {
            boolean areHiddenGone = now - start >= HIDDEN_LIMIT_NANOS;
            Predicate<SessionRoster.Entry> isGone =
                    e -> !e.isAlive() || (e.isHidden() && areHiddenGone);
            remove(idle, isGone);
            remove(late, isGone);
            nextIdleLook = now + IDLE_LOOK_NANOS;
        }
        if (over) {
            return;
        }
        returning.forEach(
                (session, back) -> {
                    if (!isIdle(session, now)) {
                        workedFor.put(back.pid(), now);
                    }
                });
        remove(expected, entry -> !entry.isAlive());
        expected.removeIf(
                lineage -> {
                    boolean isLate =
                            isTooLong(now - firstChance(lineage), lineage.entry().pid(), now);
                    if (isLate) {
                        missing.addAll(lineage.keys());
                        late.add(lineage);
                    }
                    return isLate;
                });
        List<Session> stuck = new ArrayList<>();
        returning.forEach(
                (session, back) -> {
                    if (isStuck(session, back, now)) {
                        stuck.add(session);
                    }
                });
        stuck.forEach(cutOff); // after the loop: some are freed at once
        endIfAllAreBack();
    }

    /**
     * Since when a client that is not back could have come. A process may take up one session after
     * the other, and waits for the store with the first.
     */
    private long firstChance(Lineage lineage) {
        int pid = lineage.entry().pid();
        return pid == 0 ? start : workedFor.getOrDefault(pid, start); // 0: of another container
    }

    /** Whether it holds up others without the store having to do anything for it. */
    private boolean isIdle(Session session, long now) {
        return ReopenRetry.isOverdue(session, now) ? !waiting.isEmpty() : !session.isWorkedFor();
    }

    /** Once for each. */
    private boolean isStuck(Session session, Return back, long now) {
        if (isIdle(session, now)) {
            back.idleNanos += now - back.lookedAt;
        }
        back.lookedAt = now;
        boolean stuck =
                isTooLong(back.idleNanos, back.pid(), now)
                        || session.requests() > REQUESTS_A_TAG * session.maxInFlight();
        if (!stuck || back.isCutOff || session.isEnded()) {
            return false;
        }
        back.isCutOff = true;
        missing.addAll(back.lineage.keys());
        late.add(back.lineage);
        return true;
    }

    /** The last second before the limit tells who is held up. */
    private boolean isTooLong(long nanos, int pid, long now) {
        if (nanos < LIMIT_NANOS - Starvation.EVERY_NANOS || nanos >= HELD_UP_LIMIT_NANOS) {
            return nanos >= LIMIT_NANOS;
        }
        return !heldUp.test(pid, now) && nanos >= LIMIT_NANOS;
    }

    private void remove(Set<Lineage> from, Predicate<SessionRoster.Entry> isGone) {
        Set<SessionKey> gone = new HashSet<>();
        from.removeIf(lineage -> isGone.test(lineage.entry()) && gone.addAll(lineage.keys()));
        if (!gone.isEmpty()) {
            notes.forget(gone, () -> {}); // nobody comes by these keys: no order to keep
        }
    }

    private void endIfAllAreBack() {
        if (over || ending || !expected.isEmpty() || !returning.isEmpty()) {
            return;
        }
        if (missing.isEmpty()) {
            end();
        } else {
            ending = true;
            notes.markLate(Set.copyOf(missing), this::end);
        }
    }

    private void end() {
        over = true;
        workedFor.clear();
        List<Runnable> now = new ArrayList<>(waiting);
        waiting.clear();
        now.forEach(then -> Unexpected.contain("what waited for who returns", then));
    }
}
