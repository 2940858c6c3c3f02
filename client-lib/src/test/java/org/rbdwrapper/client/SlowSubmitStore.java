package org.rbdwrapper.client;

import org.rbdwrapper.broker.store.ImageStore;
import org.rbdwrapper.broker.store.IoCompletion;
import org.rbdwrapper.broker.store.StoreImage;
import org.rbdwrapper.broker.store.memory.MemoryStore;
import org.rbdwrapper.ipc.codec.IoOp;

import java.util.concurrent.locks.LockSupport;

/**
 * Images in memory whose every request keeps the messenger for a millisecond, as a connection does
 * that is at its limit: two clients saturate a messenger, and cores stay idle.
 */
final class SlowSubmitStore {
    private static final long SUBMIT_NANOS = 1_000_000;

    private SlowSubmitStore() {}

    static ImageStore make() {
        return new WrappedImagesStore(new MemoryStore(), SlowImage::new);
    }

    /** Passes everything on, requests late. */
    private static final class SlowImage extends WrappedImagesStore.WrappedImage {
        SlowImage(StoreImage image) {
            super(image);
        }

        @Override
        public void submit(
                IoOp op, long address, long position, long length, IoCompletion completion) {
            LockSupport.parkNanos(SUBMIT_NANOS);
            image.submit(op, address, position, length, completion);
        }
    }
}
