package org.rbdwrapper.broker.messenger;

import java.lang.invoke.VarHandle;
import java.util.Arrays;

/**
 * The sessions that a messenger's turns look at: those that had requests within about {@link
 * #REST_NANOS}. The others are at rest, and cost a turn nothing: as a messenger that sleeps, each
 * has announced itself parked, and its client rings.
 *
 * <pre>
 *             no requests for a while: n announced, fence, all its rings empty
 *           +----------------------------------------------------------------+
 *           |                                                                v
 *        active: the word is 0                                    at rest: the word is n
 *           ^                                                                |
 *           +----------------------------------------------------------------+
 *             rung, and there are requests: 0 announced
 * </pre>
 *
 * <p>No request is left unseen, whatever comes between what:
 *
 * <ul>
 *   <li>A client that published before the fence of the step to rest is seen by the look after it,
 *       and the session stays active. If it has read n, it rings, for nothing.
 *   <li>A client that published later reads n or a later word, by the fences of both. It rings for
 *       n, after its request. The ring is received once, later than the request, and finds it. For
 *       0 it does not ring: then the session has become active after the step to rest, by another's
 *       ring, and is looked at in each turn until the next step, whose fence comes after the
 *       client's: had it come before, the client would have read its number.
 *   <li>A client that was held up between its ring for n and its swap of n to 0 hides no later
 *       rest, since that has another number. So a ring that finds nothing leads to a new number,
 *       too, and to another look after that: who rang may not have published anything, and swaps
 *       the old number only.
 *   <li>A ring that comes while the session is active, or is for one that has gone, is dropped: the
 *       request of the former is looked for as any; the latter is known by its token.
 *   <li>A doorbell that is muted rings when it is listened to again, if it ever rang.
 * </ul>
 *
 * <p>While the messenger sleeps, active ones are announced parked with a number of their own, as
 * all are at rest: {@link #park} and {@link #unpark}. What a client writes to the word is never
 * read here. Who keeps it at 0 is looked at late or never, and harms itself.
 *
 * <p>Owned by the messenger's thread.
 */
final class ActiveSessions {
    /**
     * A client's first request after a rest costs it a system call, which is little against this,
     * and what is active and has no requests costs each turn a look.
     */
    static final long REST_NANOS = 1_000_000;

    /** Each is a look at all channels of a session. */
    private static final int RESTS_PER_TURN = 4;

    private SessionChannels[] active = new SessionChannels[16];
    private int size;

    // from the end to the begin, where others are put in the place of who leaves
    private int unswept;
    private long sweptAt;

    /**
     * @param now of {@link System#nanoTime}, as everywhere here.
     */
    ActiveSessions(long now) {
        sweptAt = now;
    }

    int size() {
        return size;
    }

    SessionChannels get(int i) {
        return active[i];
    }

    /** A new one, whose client may have published requests before anybody looked. */
    void attach(SessionChannels session) {
        add(session);
        rest(session);
    }

    /** It is going to be gone. */
    void detach(SessionChannels session) {
        if (session.attachment().isActive()) {
            remove(session);
        }
    }

    /** Its rings are looked at from now on, until they are empty for a while. */
    void activate(SessionChannels session) {
        if (!session.attachment().isActive()) {
            add(session);
            session.doorbell().announceAwake();
        }
    }

    /** Its doorbell was heard: whether it has become active. */
    boolean onRing(SessionChannels session) {
        if (session.attachment().isActive()) {
            return false;
        }
        if (session.hasWork()) {
            activate(session);
            return true;
        }
        add(session);
        return !rest(session);
    }

    /** After a turn that had requests: puts some of those to rest that had none for a while. */
    void sweep(long now) {
        if (unswept == 0) {
            if (now - sweptAt < REST_NANOS) {
                return;
            }
            sweptAt = now;
            unswept = size;
        }
        unswept = Math.min(unswept, size);
        for (int rests = 0; unswept > 0 && rests < RESTS_PER_TURN; unswept--) {
            SessionChannels session = active[unswept - 1];
            if (!hasWorked(session)) {
                rest(session);
                rests++;
            }
        }
    }

    /** The messenger is about to sleep. A {@code fullFence} and a last {@link #hasWork} follow. */
    void park() {
        for (int i = 0; i < size; i++) {
            active[i].doorbell().announceParked();
        }
    }

    /** Looks at all channels of all that are active. */
    boolean hasWork() {
        for (int i = 0; i < size; i++) {
            if (active[i].hasWork()) {
                return true;
            }
        }
        return false;
    }

    /** After {@link #park}: the messenger is awake, whether it has slept or not. */
    void unpark() {
        for (int i = 0; i < size; i++) {
            active[i].doorbell().announceAwake();
        }
    }

    /** Since the last sweep; begins anew. */
    private static boolean hasWorked(SessionChannels session) {
        Attachment attachment = session.attachment();
        boolean worked = attachment.worked;
        attachment.worked = false;
        session.forgetChannels();
        return worked;
    }

    /** False where it has requests: it stays active. */
    private boolean rest(SessionChannels session) {
        session.doorbell().announceParked();
        VarHandle.fullFence();
        if (session.hasWork()) {
            session.doorbell().announceAwake();
            return false;
        }
        remove(session);
        return true;
    }

    private void add(SessionChannels session) {
        if (size == active.length) {
            active = Arrays.copyOf(active, size * 2);
        }
        session.attachment().place = size;
        active[size++] = session;
    }

    private void remove(SessionChannels session) {
        int place = session.attachment().place;
        SessionChannels last = active[--size];
        active[size] = null;
        if (last != session) {
            active[place] = last;
            last.attachment().place = place;
        }
        session.attachment().leave();
    }
}
