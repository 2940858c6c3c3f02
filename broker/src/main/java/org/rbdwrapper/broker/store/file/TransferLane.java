package org.rbdwrapper.broker.store.file;

import org.rbdwrapper.ipc.Errno;

/**
 * Large reads and writes, discards and write-zeroes. A turn is one piece of one request, so that it
 * takes no longer, whatever is asked for. In the image's next turn a read or write goes on; what is
 * left of a discard waits behind the image's other requests.
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
