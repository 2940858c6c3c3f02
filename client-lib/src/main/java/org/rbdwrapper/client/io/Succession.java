package org.rbdwrapper.client.io;

import org.rbdwrapper.ipc.ErrnoException;

import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * A session's links, one after the other: who works with it learns here when one is lost, and waits
 * here for the next.
 *
 * <pre>
 *   OPEN ── lose ──▶ LOST ── replay(next) ──▶ REPLAYING ── open ──▶ OPEN
 *    all requests     none      those without an answer, again       all requests
 *                      └──────────────── giveUp ──▶ FAILED
 * </pre>
 *
 * <p>Any thread; {@link #lose}, {@link #replay}, {@link #open} and {@link #giveUp} are the
 * session's who makes the links.
 */
public final class Succession {
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    private volatile Link open;
    private Link current; // guarded by the lock, as what follows
    private boolean replaying;
    private int replays;
    private ErrnoException failure;

    public Succession(Link first) {
        current = first;
        open = first;
    }

    /** One load: the link that takes requests, or null where they must wait. */
    Link link() {
        return open;
    }

    /** Whether there is a link that takes requests. */
    public boolean isOpen() {
        return open != null;
    }

    /** Returns when there is a link that takes requests. */
    public void awaitOpen() throws ErrnoException {
        awaitOpen(next -> {});
    }

    /** Who uses a link from now on says so here, under the lock: before that it can be freed. */
    @FunctionalInterface
    interface Arrival {
        void onNext(Link next);
    }

    /**
     * For a request that was never made: returns when it may be.
     *
     * @throws ErrnoException where the broker has not come back in time.
     */
    Link awaitOpen(Arrival arrival) throws ErrnoException {
        lock.lock();
        try {
            while (open == null) {
                checkFailure();
                changed.awaitUninterruptibly();
            }
            arrival.onNext(open);
            return open;
        } finally {
            lock.unlock();
        }
    }

    /**
     * Somebody has requests that a link which is dead has not answered: the next link is not open
     * before they are. {@link #awaitReplay} follows.
     */
    void beginReplay() {
        lock.lock();
        try {
            replays++;
        } finally {
            lock.unlock();
        }
    }

    /**
     * Returns when these requests may be made again. {@link #replayed} follows, or, where the link
     * that was returned dies, another wait.
     */
    Link awaitReplay(Link dead, Arrival arrival) throws ErrnoException {
        lock.lock();
        try {
            while (current == dead || !replaying) {
                checkFailure();
                changed.awaitUninterruptibly();
            }
            arrival.onNext(current);
            return current;
        } finally {
            lock.unlock();
        }
    }

    /** What {@link #beginReplay} was called for has its answers. */
    void replayed() {
        lock.lock();
        try {
            replays--;
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    /** The link is dead. */
    public void lose() {
        lock.lock();
        try {
            open = null;
            replaying = false;
        } finally {
            lock.unlock();
        }
    }

    /**
     * Lets the requests without an answer be made on the next link, and returns when they have
     * theirs, or that link is dead, too.
     */
    public void replay(Link next) {
        lock.lock();
        try {
            current = next;
            replaying = true;
            changed.signalAll();
            while (replays > 0 && !next.isDead()) {
                changed.awaitUninterruptibly();
            }
        } finally {
            lock.unlock();
        }
    }

    /** Any thread: somebody's wait may be over, as a link is dead. */
    public void look() {
        lock.lock();
        try {
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    /** All requests go to this link from now on. */
    public void open(Link next) {
        lock.lock();
        try {
            replaying = false;
            open = next;
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    /** No broker came: who waits, and who comes, fails. */
    public void giveUp(ErrnoException why) {
        lock.lock();
        try {
            failure = why;
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    private void checkFailure() throws ErrnoException {
        if (failure != null) {
            throw new ErrnoException(failure.errno(), failure.what(), failure);
        }
    }
}
