package org.rbdwrapper.client.io;

import org.rbdwrapper.ipc.ErrnoException;
import org.rbdwrapper.ipc.codec.IoOp;

import java.util.concurrent.atomic.AtomicInteger;

/**
 * A channel that is leased for one operation by the thread that waits for it. The lease is one
 * compare-and-swap, on a word that mostly one thread uses: nothing to give back when a thread ends.
 * It says which image the operation is of, so that who closes one sees whom to wait for.
 *
 * <pre>
 *   FREE ──── tryLease ────▶ n: leased for target n ──── release, all is answered ──▶ FREE
 *                             │             ▲
 *              release, while │             │ tryLease, tryClear
 *        requests are unanswered            │
 *                             ▼             │
 *                            -n: left; nobody is at it
 * </pre>
 *
 * <p>It is left only where its holder could not even wait for the answers, as at the end of its
 * stack. Whoever comes next takes those, and what was read goes nowhere.
 */
final class SyncChannel {
    /** Of an operation in flight: while one is copied, the others are under way. */
    private static final int MAX_PIECES = 4;

    private static final int FREE = 0; // no target's number

    private final AtomicInteger leasedFor = new AtomicInteger(FREE);
    private final Succession succession;
    private final int index;
    private final Operation operation = new Operation();
    private Link link;
    private ClientChannel channel;
    private ResponseWait wait;
    private int pieceLength;
    private int freeTags;
    private boolean replaying; // the next link is not open before this holder has said so
    private volatile Link using; // null between two of them

    SyncChannel(Succession succession, int index, Link first) {
        this.succession = succession;
        this.index = index;
        this.using = first;
        bind(first);
    }

    /** Whether the target is open is to be asked after this. */
    boolean tryLease(Target target) {
        int now = leasedFor.getPlain();
        if (now == FREE) {
            return leasedFor.compareAndSet(FREE, target.number());
        }
        if (now > FREE || !tryClear(now)) {
            return false;
        }
        leasedFor.set(target.number());
        return true;
    }

    /** Leaseholder. */
    void release() {
        boolean isClear = !operation.hasInFlight() && !replaying;
        if (isClear) {
            operation.letGo();
        }
        leasedFor.setRelease(isClear ? FREE : -leasedFor.getPlain());
    }

    /** Any thread: whether requests of the target may be under way here; takes what is left. */
    boolean isBusyFor(Target target) {
        int now = leasedFor.get();
        if (now == -target.number() && tryClear(now)) {
            leasedFor.setRelease(FREE);
        }
        return Math.abs(leasedFor.get()) == target.number();
    }

    /** Leases it for whom it was left; if that is not over yet, it is left again: false. */
    private boolean tryClear(int left) {
        if (!leasedFor.compareAndSet(left, -left)) {
            return false;
        }
        boolean isClear = false;
        try {
            operation.stop(new IllegalStateException("left by its thread"));
            if (link.isDead()) {
                forget(); // its memory may be gone
            } else if (operation.hasInFlight()) {
                ringForLeft();
                takeResponses();
            }
            isClear = !operation.hasInFlight();
            if (isClear) {
                endReplay();
                split();
            }
        } finally {
            if (!isClear) {
                leasedFor.setRelease(left);
            }
        }
        return isClear;
    }

    /** Leaseholder: the operation to fill in, and to perform. */
    Operation operation() {
        return operation;
    }

    /** Any thread: whether nobody will touch this dead link's memory here any more. */
    boolean hasLeft(Link dead) {
        return leasedFor.get() <= FREE || using != dead;
    }

    /**
     * Leaseholder: returns when the operation is done.
     *
     * @throws ErrnoException where the broker has not come back in time.
     */
    void perform() throws ErrnoException {
        try {
            performAll();
        } catch (Throwable e) {
            operation.stop(e);
            drain();
            throw e;
        }
    }

    private void performAll() throws ErrnoException {
        if (succession.link() != link) {
            using = null;
            continueOn(succession.awaitOpen(this::arrive), false);
        }
        split();
        while (!operation.isDone()) {
            if (replaying && !operation.hasAgain() && !operation.hasInFlight()) {
                using = null; // nothing is in flight, and this link may die before it opens
                endReplay();
                continueOn(succession.awaitOpen(this::arrive), false);
            }
            submit(replaying);
            if (!operation.hasInFlight()) {
                continue; // it is stopped, or waits for the link to open
            }
            wait.await();
            takeResponses();
            if (link.isDead()) {
                takeResponses(); // what it has answered last
                forget();
                goOn();
            }
        }
        endReplay();
    }

    /** The operation is stopped: takes the answers to what is under way, and drops them. */
    private void drain() {
        ringForLeft();
        while (operation.hasInFlight()) {
            if (using == null) {
                forget(); // nothing was in flight on a link that is there
            } else {
                wait.await();
                takeResponses();
                if (link.isDead()) {
                    takeResponses();
                    forget();
                }
            }
        }
        endReplay();
    }

    /** What was published may not have been rung for. */
    private void ringForLeft() {
        if (operation.hasInFlight() && !link.isDead()) {
            link.doorbell().ringIfParked();
        }
    }

    private void forget() {
        channel.lose(lost -> {});
    }

    private void endReplay() {
        if (replaying) {
            succession.replayed();
            replaying = false;
        }
    }

    private void submit(boolean onlyAgain) {
        boolean submitted = false;
        while ((onlyAgain ? operation.hasAgain() : operation.hasNext()) && freeTags != 0) {
            int tag = Integer.numberOfTrailingZeros(freeTags);
            if (channel.submitNext(operation, tag, tag * pieceLength, pieceLength)) {
                freeTags &= ~(1 << tag);
                submitted = true;
            }
        }
        if (submitted) {
            link.doorbell().ringIfParked();
        }
    }

    private void takeResponses() {
        while (channel.takeResponse() != null) {
            freeTags |= 1 << channel.tag();
        }
    }

    /** The link is dead: waits for the next one where something is left to be done. */
    private void goOn() throws ErrnoException {
        Link dead = link;
        if (operation.hasAgain()) {
            if (!replaying) {
                succession.beginReplay();
                replaying = true;
            }
            using = null; // not before it is waited for
            continueOn(succession.awaitReplay(dead, this::arrive), true);
            return;
        }
        endReplay();
        if (!operation.isDone()) {
            using = null;
            continueOn(succession.awaitOpen(this::arrive), false);
        }
    }

    private void arrive(Link next) {
        using = next;
    }

    private void continueOn(Link next, boolean again) {
        if (next != link) { // it may have replayed there before: rings are read from their start
            // once
            bind(next);
            split();
        }
        operation.onNextLink(again && next.isLate());
    }

    private void bind(Link next) {
        ClientChannel nextChannel = next.channel(index); // there may be no memory for it
        wait = new ResponseWait(nextChannel, next.liveness(), true);
        channel = nextChannel;
        link = next;
    }

    /**
     * Nothing is in flight. A piece costs a request to the cluster, which a write feels more than
     * the copy into the arena: one piece where the arena holds it, else pieces of half the arena. A
     * read is better in two pieces from half the arena on: the one is copied while the other comes.
     * The figures stand in {@code channel.h}.
     */
    private void split() {
        int arena = channel.arenaLength;
        int pieces = 1;
        if (operation.length > arena) {
            pieces = 2;
        } else if (operation.op != IoOp.WRITE) {
            pieces = operation.length > arena / 2 ? 2 : MAX_PIECES;
        }
        pieces = Math.min(pieces, channel.depth);
        pieceLength = arena / pieces;
        freeTags = (1 << pieces) - 1;
    }
}
