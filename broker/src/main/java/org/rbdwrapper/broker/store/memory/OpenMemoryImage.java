package org.rbdwrapper.broker.store.memory;

import org.rbdwrapper.broker.store.ImageTimes;
import org.rbdwrapper.broker.store.IoCompletion;
import org.rbdwrapper.broker.store.StoreImage;
import org.rbdwrapper.ipc.Errno;
import org.rbdwrapper.ipc.codec.IoOp;

/** One opening of a {@link MemoryImage}. */
final class OpenMemoryImage implements StoreImage {
    private final MemoryImage image;
    private final Object catalogue;
    private final boolean readOnly;
    private boolean closed;

    OpenMemoryImage(MemoryImage image, Object catalogue, boolean readOnly) {
        this.image = image;
        this.catalogue = catalogue;
        this.readOnly = readOnly;
    }

    @Override
    public long size() {
        return image.size();
    }

    @Override
    public int objectSize() {
        return MemoryImage.CHUNK;
    }

    @Override
    public String imageId() {
        return image.id;
    }

    @Override
    public ImageTimes times() {
        return image.times.times();
    }

    @Override
    public void onChanged() {
        image.times.onChanged();
    }

    @Override
    public void onRead() {
        image.times.onRead();
    }

    @Override
    public void submit(IoOp op, long address, long position, long length, IoCompletion completion) {
        boolean refused = readOnly && op != IoOp.READ && op != IoOp.FLUSH;
        completion.onComplete(
                refused ? -Errno.EROFS.number() : image.perform(op, address, position, length));
    }

    @Override
    public void close() {
        synchronized (catalogue) {
            if (!closed) {
                closed = true;
                image.opens--;
            }
        }
    }
}
