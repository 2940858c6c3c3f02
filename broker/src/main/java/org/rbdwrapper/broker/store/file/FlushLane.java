package org.rbdwrapper.broker.store.file;

import org.rbdwrapper.ipc.Errno;

/**
 * Flushes. They have threads of their own, as they sleep for as long as a disk likes.
 *
 * <p>A turn is a group commit: all flushes of an image that wait when it begins are answered by one
 * fdatasync, which begins after each was submitted and so covers every write that was completed
 * before. An image has one turn at a time. So a client cannot hold several threads by flushing one
 * image; those that come meanwhile cost one fdatasync together and not one each; and the kernel,
 * which reports bytes that it could not write to one fdatasync and takes them for clean from then
 * on, cannot report them to one of two while the other says that all is well.
 */
final class FlushLane extends SlowLane {
    /** Images that are flushed at the same time. */
    static final int THREADS = 6;

    FlushLane() {
        super("file-flush", THREADS, 1);
        start();
    }

    @Override
    LanePlace placeOf(FileImage image) {
        return image.flushes;
    }

    @Override
    SlowRequest take(RequestQueue waiting) {
        return waiting.pollAll();
    }

    @Override
    boolean doTurn(SlowRequest group) {
        long result;
        try {
            result = group.image().flush();
        } catch (RuntimeException | Error e) {
            onMistake(group, e);
            result = -Errno.EIO.number();
        }
        for (SlowRequest request = group; request != null; request = request.next) {
            complete(request, result);
        }
        return true;
    }
}
