package org.rbdwrapper.broker.store.file;

import org.rbdwrapper.ipc.Errno;

/**
 * Large reads and writes, discards and write-zeroes. A turn is one piece of one request, which then
 * waits behind its image's others, so that a turn takes as long as a piece, whatever is asked for.
 */
final class TransferLane extends SlowLane {
    /** What all images together may take of the host. */
    static final int THREADS = 6;

    /** What one of them may: as many as the bytes of one fast disk need. */
    static final int THREADS_AN_IMAGE = 4;

    TransferLane() {
        super("file-store", THREADS, THREADS_AN_IMAGE);
        start();
    }

    @Override
    LanePlace placeOf(FileImage image) {
        return image.transfers;
    }

    @Override
    SlowRequest take(RequestQueue waiting) {
        return waiting.poll();
    }

    @Override
    boolean doTurn(SlowRequest request) {
        long n;
        try {
            n = request.doPiece();
        } catch (RuntimeException | Error e) {
            onMistake(request, e);
            n = -Errno.EIO.number();
        }
        boolean isOver = request.isOverAfter(n);
        if (isOver) {
            complete(request, request.resultAfter(n));
        }
        return isOver;
    }
}
