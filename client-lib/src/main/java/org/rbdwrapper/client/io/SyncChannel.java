package org.rbdwrapper.client.io;

import org.rbdwrapper.ipc.ErrnoException;
import org.rbdwrapper.ipc.codec.IoOp;

import java.util.concurrent.atomic.AtomicInteger;

/**
 * A channel that is leased for one operation by the thread that waits for it. The lease is one
 * compare-and-swap, on a word that mostly one thread uses: nothing to give back when a thread ends.
 * It says which image the operation is of, so that who closes one sees whom to wait for.
 */
final class SyncChannel {
    /** Of an operation in flight: while one is copied, the others are under way. */
    private static final int MAX_PIECES = 4;

    private static final int FREE = 0; // no target's number
    private static final int ABANDONED = -1;

    private final AtomicInteger leasedFor = new AtomicInteger(FREE);
    private final Succession succession;
    private final int index;
    private final Operation operation = new Operation();
    private Link link;
    private ClientChannel channel;
    private ResponseWait wait;
    private int pieceLength;
    private int freeTags;
    private volatile Link using; // null between two of them

    SyncChannel(Succession succession, int index, Link first) {
        this.succession = succession;
        this.index = index;
        this.using = first;
        bind(first);
    }

    /** Whether the target is open is to be asked after this. */
    boolean tryLease(Target target) {
        return leasedFor.getPlain() == FREE && leasedFor.compareAndSet(FREE, target.number());
    }

    void release() {
        leasedFor.setRelease(FREE);
    }

    /** Leaseholder: what became of its operation is not known, so that nobody may lease it. */
    void abandon() {
        using = null;
        leasedFor.setRelease(ABANDONED);
    }

    /** Any thread. */
    boolean isLeasedFor(Target target) {
        return leasedFor.get() == target.number();
    }

    /** Leaseholder: the operation to fill in, and to perform. */
    Operation operation() {
        return operation;
    }

    /** Any thread: whether nobody will touch this dead link's memory here any more. */
    boolean hasLeft(Link dead) {
        return leasedFor.get() == FREE || using != dead;
    }

    /**
     * Leaseholder: returns when the operation is done.
     *
     * @throws ErrnoException where the broker has not come back in time.
     */
    void perform() throws ErrnoException {
        if (succession.link() != link) {
            using = null;
            continueOn(succession.awaitOpen(this::arrive), false);
        }
        split();
        boolean replaying = false;
        while (!operation.isDone()) {
            if (replaying && !operation.hasAgain() && !operation.hasInFlight()) {
                using = null; // nothing is in flight, and this link may die before it opens
                succession.replayed();
                replaying = false;
                continueOn(succession.awaitOpen(this::arrive), false);
            }
            submit(replaying);
            wait.await();
            takeResponses();
            if (link.isDead()) {
                takeResponses(); // what it has answered last
                channel.lose();
                replaying = goOn(replaying);
            }
        }
        if (replaying) {
            succession.replayed();
        }
    }

    private void submit(boolean onlyAgain) {
        boolean submitted = false;
        while ((onlyAgain ? operation.hasAgain() : operation.hasNext()) && freeTags != 0) {
            int tag = Integer.numberOfTrailingZeros(freeTags);
            freeTags &= ~(1 << tag);
            channel.submitNext(operation, tag, tag * pieceLength, pieceLength);
            submitted = true;
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

    /** The link is dead: true where the operation has to be done again in part. */
    private boolean goOn(boolean replaying) throws ErrnoException {
        Link dead = link;
        if (operation.hasAgain()) {
            if (!replaying) {
                succession.beginReplay();
            }
            using = null; // not before it is waited for
            continueOn(succession.awaitReplay(dead, this::arrive), true);
            return true;
        }
        if (replaying) {
            succession.replayed();
        }
        if (!operation.isDone()) {
            using = null;
            continueOn(succession.awaitOpen(this::arrive), false);
        }
        return false;
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
        link = next;
        channel = next.channel(index);
        wait = new ResponseWait(channel, next.liveness(), true);
    }

    /**
     * Nothing is in flight. A piece costs a request to the cluster, which a write feels more than
     * the copy into the arena: one piece where the arena holds it, else pieces of half the arena. A
     * read is better in two pieces from half the arena on: the one is copied while the other comes.
     * The figures stand in {@code channel.h}.
     */
    private void split() {
        int arena = channel.arena.capacity();
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
