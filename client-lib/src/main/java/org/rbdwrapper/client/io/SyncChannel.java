package org.rbdwrapper.client.io;

import org.rbdwrapper.ipc.ErrnoException;
import org.rbdwrapper.ipc.codec.IoOp;
import org.rbdwrapper.ipc.segment.Doorbell;

import java.util.concurrent.atomic.AtomicBoolean;

/**
 * A channel that is leased for one operation by the thread that waits for it. The lease is one
 * compare-and-swap, on a word that mostly one thread uses: nothing to give back when a thread ends.
 */
final class SyncChannel {
    /** Of an operation in flight: while one is copied, the others are under way. */
    private static final int MAX_PIECES = 4;

    private final AtomicBoolean leased = new AtomicBoolean();
    private final ClientChannel channel;
    private final Doorbell doorbell;
    private final Liveness liveness;
    private final ResponseWait wait;
    private final Operation operation = new Operation();
    private int pieceLength;
    private int freeTags;

    SyncChannel(ClientChannel channel, Doorbell doorbell, Liveness liveness) {
        this.channel = channel;
        this.doorbell = doorbell;
        this.liveness = liveness;
        this.wait = new ResponseWait(channel, liveness, true);
    }

    boolean tryLease() {
        return !leased.getPlain() && leased.compareAndSet(false, true);
    }

    void release() {
        leased.setRelease(false);
    }

    /** Leaseholder: the operation to fill in, and to perform. */
    Operation operation() {
        return operation;
    }

    /** Leaseholder: returns when the operation is done. */
    void perform() throws ErrnoException {
        split();
        while (!operation.isDone()) {
            boolean submitted = false;
            while (operation.hasNext() && freeTags != 0) {
                int tag = Integer.numberOfTrailingZeros(freeTags);
                freeTags &= ~(1 << tag);
                channel.submitNext(operation, tag, tag * pieceLength, pieceLength);
                submitted = true;
            }
            if (submitted) {
                doorbell.ringIfParked();
            }
            wait.await();
            liveness.check();
            while (channel.takeResponse() != null) {
                freeTags |= 1 << channel.tag();
            }
        }
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
