package org.rbdwrapper.broker.store.file;

import org.rbdwrapper.broker.store.IoCompletion;
import org.rbdwrapper.ipc.codec.IoOp;

/**
 * A request that waits in a {@link SlowLane} or is being done there; a link of a {@link
 * RequestQueue}.
 *
 * <p>Guarded by its lane while it waits; the thread that does its turn owns it meanwhile.
 */
final class SlowRequest {
    SlowRequest next;
    OpenFileImage opening;
    IoOp op;
    private long address;
    private long position;
    private long length;
    private IoCompletion completion;

    /** Bytes, from its beginning. */
    private long done;

    void set(
            OpenFileImage newOpening,
            IoOp newOp,
            long newAddress,
            long newPosition,
            long newLength,
            IoCompletion newCompletion) {
        opening = newOpening;
        op = newOp;
        address = newAddress;
        position = newPosition;
        length = newLength;
        completion = newCompletion;
        done = 0;
    }

    void clear() {
        set(null, null, 0, 0, 0, null);
    }

    FileImage image() {
        return opening.image();
    }

    boolean isTransfer() {
        return op == IoOp.READ || op == IoOp.WRITE;
    }

    /**
     * Does the next piece, which ends at a multiple of the pieces' length, so that no block is cut
     * in two and then neither half of it freed.
     *
     * @return what the image says of the piece: bytes, or a negative error number.
     */
    long doPiece() {
        long unit = image().pieceLength(op);
        long from = position + done;
        long piece = Math.min(length - done, unit - from % unit);
        long n = opening.perform(op, address + done, from, piece);
        done += Math.max(n, 0);
        return n;
    }

    /** Whether nothing is to be done any more after a piece of which the image said this. */
    boolean isOverAfter(long n) {
        return n <= 0 || done >= length;
    }

    /** What it answers where that was its last piece. */
    long resultAfter(long n) {
        // a discard that answers no error is taken for whole, however little it says that it did
        return n < 0 && (done == 0 || !isTransfer()) ? n : done;
    }

    /** Tells who waits for it, and lets go of the image. */
    void complete(long result) {
        try {
            completion.onComplete(result);
        } finally {
            opening.onSlowDone();
        }
    }
}
