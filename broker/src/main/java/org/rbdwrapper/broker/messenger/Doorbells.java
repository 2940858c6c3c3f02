package org.rbdwrapper.broker.messenger;

import org.rbdwrapper.ipc.ErrnoException;
import org.rbdwrapper.ipc.posix.Epoll;
import org.rbdwrapper.ipc.posix.EventFd;
import org.rbdwrapper.ipc.posix.Fd;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.util.ArrayDeque;
import java.util.Arrays;

/**
 * The doorbells of a messenger's sessions, and one of its own by which other threads wake it.
 *
 * <p>They are edge-triggered, and nobody reads them: each ring, or several at once, is received
 * once, in the order in which they came. A client can ring as fast as it likes. So each ring takes
 * one of a small number that only requests restore, as a correct client rings for no less than one
 * request. Who has none left is muted: its doorbell is taken out of the epoll, where its rings cost
 * the messenger nothing, for {@link #MUTE_NANOS}. That loses no ring: a doorbell that ever rang
 * rings at once when it is put back.
 *
 * <p>Owned by the messenger's thread, but for {@link #wake}.
 */
final class Doorbells implements AutoCloseable {
    /** Far longer than taking a doorbell out and putting it back takes, times the sessions. */
    static final long MUTE_NANOS = 50_000_000;

    /** Each is a system call of a turn. */
    private static final int UNMUTES_AT_ONCE = 16;

    private static final Logger LOG = LoggerFactory.getLogger(Doorbells.class);
    private static final long WAKE_TOKEN = -1;
    private static final int INDEX_BITS = 24;

    private final Epoll epoll;
    private final int wakeFd;
    private final ArrayDeque<SessionChannels> muted = new ArrayDeque<>();
    private SessionChannels[] sessions = new SessionChannels[16];
    private int[] free = new int[16];
    private int frees;
    private int used;
    private long uses;
    private int received;
    private int read;

    Doorbells() throws ErrnoException {
        epoll = new Epoll();
        wakeFd = makeWakeFd(epoll);
    }

    /** The epoll is closed where it cannot be made. */
    private static int makeWakeFd(Epoll epoll) throws ErrnoException {
        int fd = -1;
        try {
            fd = EventFd.create();
            epoll.add(fd, Epoll.IN | Epoll.EDGE, WAKE_TOKEN);
            return fd;
        } catch (ErrnoException e) {
            if (fd >= 0) {
                Fd.close(fd);
            }
            epoll.close();
            throw e;
        }
    }

    /** Any thread: ends {@link #await}, or the next one. */
    void wake() {
        EventFd.ring(wakeFd);
    }

    void add(SessionChannels session) throws ErrnoException {
        int index = frees > 0 ? free[frees - 1] : used;
        // another one than that of any session before, whose rings may still be unread
        long token = ++uses << INDEX_BITS | index;
        epoll.add(session.doorbellFd(), Epoll.IN | Epoll.EDGE, token);
        if (frees > 0) {
            frees--;
        } else if (used++ == sessions.length) {
            sessions = Arrays.copyOf(sessions, used * 2);
        }
        sessions[index] = session;
        session.attachment().token = token;
    }

    /** Does nothing where it has not been added. */
    void remove(SessionChannels session) {
        Attachment attachment = session.attachment();
        if (attachment.token == 0) {
            return;
        }
        int index = index(attachment.token);
        attachment.token = 0;
        sessions[index] = null;
        if (frees == free.length) {
            free = Arrays.copyOf(free, frees * 2);
        }
        free[frees++] = index;
        if (attachment.muted) {
            attachment.muted = false;
            muted.remove(session);
        } else {
            unwatch(session);
        }
    }

    boolean has(SessionChannels session) {
        return session.attachment().token != 0;
    }

    /** How many have been added. */
    int size() {
        return used - frees;
    }

    /** Whether there are rings that {@link #next} has yet to return. */
    boolean hasNext() {
        return read < received;
    }

    /** Receives rings without waiting; all received before were read. */
    void poll() {
        unmute();
        receive(0);
    }

    /** Waits for a ring, or until a muted doorbell is due; all received before were read. */
    void await() {
        unmute();
        receive(muted.isEmpty() ? -1 : millisTo(muted.peekFirst().attachment().mutedUntil));
    }

    /** The session of the next ring that was received, or null where that is nobody's any more. */
    SessionChannels next() {
        long token = epoll.token(read++);
        SessionChannels session = token == WAKE_TOKEN ? null : sessions[index(token)];
        if (session == null || session.attachment().token != token) {
            return null;
        }
        Attachment attachment = session.attachment();
        if (!attachment.onRing() && !attachment.muted) {
            mute(session);
        }
        return session;
    }

    /** Whether so many were received the last time that there may be more. */
    boolean mayHaveMore() {
        return received == Epoll.MAX_EVENTS;
    }

    @Override
    public void close() throws ErrnoException {
        epoll.close();
        Fd.close(wakeFd);
    }

    private void mute(SessionChannels session) {
        unwatch(session);
        session.attachment().muted = true;
        session.attachment().mutedUntil = System.nanoTime() + MUTE_NANOS;
        muted.addLast(session);
    }

    /** Listens again to some that were muted for long enough: they ring once more. */
    private void unmute() {
        if (muted.isEmpty()) {
            return;
        }
        long now = System.nanoTime();
        for (int i = 0; i < UNMUTES_AT_ONCE && !muted.isEmpty(); i++) {
            SessionChannels session = muted.peekFirst();
            Attachment attachment = session.attachment();
            if (now - attachment.mutedUntil < 0) {
                return;
            }
            muted.removeFirst();
            try {
                epoll.add(session.doorbellFd(), Epoll.IN | Epoll.EDGE, attachment.token);
                attachment.onUnmute();
            } catch (ErrnoException e) {
                session.fail("its doorbell cannot be watched again: " + e.describe());
            }
        }
    }

    private void unwatch(SessionChannels session) {
        try {
            epoll.remove(session.doorbellFd());
        } catch (ErrnoException e) {
            LOG.error("doorbell of session {} cannot be removed: {}", session, e.describe());
        }
    }

    private void receive(int timeoutMillis) {
        received = 0;
        read = 0;
        received = epoll.await(timeoutMillis);
    }

    private static int index(long token) {
        return (int) token & ((1 << INDEX_BITS) - 1);
    }

    private static int millisTo(long time) {
        long nanos = Math.clamp(time - System.nanoTime(), 0, MUTE_NANOS);
        return (int) ((nanos + 999_999) / 1_000_000);
    }
}
