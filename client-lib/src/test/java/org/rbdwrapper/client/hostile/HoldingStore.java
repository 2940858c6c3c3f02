package org.rbdwrapper.client.hostile;

import org.rbdwrapper.broker.store.ImageStore;
import org.rbdwrapper.broker.store.IoCompletion;
import org.rbdwrapper.broker.store.StoreImage;
import org.rbdwrapper.broker.store.memory.MemoryStore;
import org.rbdwrapper.client.WrappedImagesStore;
import org.rbdwrapper.ipc.codec.IoOp;

import java.util.ArrayDeque;
import java.util.Queue;

/**
 * Images in memory that keep their large requests until they are told, and count what is under way:
 * transfers of 64 KiB or more, discards and zeroes. Small transfers pass. Any thread.
 */
final class HoldingStore {
    private static final int LARGE = 64 * 1024;

    // guarded by this
    private final Queue<Runnable> held = new ArrayDeque<>();
    private boolean holds = true;
    private long bytes;
    private long mostBytes;
    private long objects;
    private long mostObjects;
    private long begun;

    ImageStore make() {
        return new WrappedImagesStore(new MemoryStore(), HoldingImage::new);
    }

    /** Ends those that are held, in their order; how many there were. */
    int release() {
        int released = 0;
        for (Runnable next = poll(); next != null; next = poll()) {
            next.run();
            released++;
        }
        return released;
    }

    /** From now on it keeps none. */
    void releaseAll() {
        synchronized (this) {
            holds = false;
        }
        release();
    }

    private synchronized Runnable poll() {
        return held.poll();
    }

    synchronized int heldCount() {
        return held.size();
    }

    /** How many large requests have reached the store. */
    synchronized long begun() {
        return begun;
    }

    synchronized long mostBytes() {
        return mostBytes;
    }

    synchronized long mostObjects() {
        return mostObjects;
    }

    /** Blocks until nothing more comes that would be held: for so long nothing has. */
    void awaitQuiet() throws InterruptedException {
        long before = -1;
        while (begun() != before) {
            before = begun();
            Thread.sleep(200);
        }
    }

    private synchronized boolean begin(long ofBytes, long ofObjects, Runnable request) {
        begun++;
        bytes += ofBytes;
        objects += ofObjects;
        mostBytes = Math.max(mostBytes, bytes);
        mostObjects = Math.max(mostObjects, objects);
        if (holds) {
            held.add(request);
        }
        return holds;
    }

    private synchronized void end(long ofBytes, long ofObjects) {
        bytes -= ofBytes;
        objects -= ofObjects;
    }

    private final class HoldingImage extends WrappedImagesStore.WrappedImage {
        HoldingImage(StoreImage image) {
            super(image);
        }

        @Override
        public void submit(
                IoOp op, long address, long position, long length, IoCompletion completion) {
            boolean transfer = op == IoOp.READ || op == IoOp.WRITE;
            if (op == IoOp.FLUSH || (transfer && length < LARGE)) {
                image.submit(op, address, position, length, completion);
                return;
            }
            long ofBytes = transfer ? length : 0;
            long ofObjects = transfer ? 0 : (length + objectSize() - 1) / objectSize();
            Runnable request =
                    () -> {
                        end(ofBytes, ofObjects);
                        image.submit(op, address, position, length, completion);
                    };
            if (!begin(ofBytes, ofObjects, request)) {
                request.run();
            }
        }
    }
}
