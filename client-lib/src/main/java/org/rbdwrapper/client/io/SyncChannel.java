package org.rbdwrapper.client.io;

import org.rbdwrapper.ipc.ErrnoException;
import org.rbdwrapper.ipc.segment.Doorbell;

import java.util.concurrent.atomic.AtomicBoolean;

/**
 * A channel that is leased for one operation by the thread that waits for it. The lease is one
 * compare-and-swap, on a word that mostly one thread uses: nothing to give back when a thread ends.
 */
final class SyncChannel {
    /** Pieces of a large transfer in flight: while one is copied, the others are under way. */
    private static final int PIECES = 4;

    private final AtomicBoolean leased = new AtomicBoolean();
    private final ClientChannel channel;
    private final Doorbell doorbell;
    private final Liveness liveness;
    private final ResponseWait wait;
    private final Operation operation = new Operation();
    private final int pieceLength;
    private int freeTags;

    SyncChannel(ClientChannel channel, Doorbell doorbell, Liveness liveness) {
        this.channel = channel;
        this.doorbell = doorbell;
        this.liveness = liveness;
        this.wait = new ResponseWait(channel, liveness, true);
        int pieces = Math.min(PIECES, channel.depth);
        this.pieceLength = channel.arena.capacity() / pieces;
        this.freeTags = (1 << pieces) - 1;
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
}
