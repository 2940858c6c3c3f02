package org.rbdwrapper.broker.store.file;

import org.rbdwrapper.broker.store.IoCompletion;
import org.rbdwrapper.broker.store.StoreImage;
import org.rbdwrapper.ipc.ErrnoException;
import org.rbdwrapper.ipc.codec.IoOp;

/** One opening of a {@link FileImage}. */
final class OpenFileImage implements StoreImage {
    private final FileStore store;
    private final FileImage image;
    private boolean closed;

    OpenFileImage(FileStore store, FileImage image) {
        this.store = store;
        this.image = image;
    }

    @Override
    public long size() {
        return image.size();
    }

    @Override
    public int objectSize() {
        return FileImage.OBJECT_SIZE;
    }

    @Override
    public String imageId() {
        return image.id();
    }

    @Override
    public void submit(IoOp op, long address, long position, long length, IoCompletion completion) {
        image.submit(op, address, position, length, completion);
    }

    void resize(long size) throws ErrnoException {
        image.resize(size);
    }

    @Override
    public synchronized void close() throws ErrnoException {
        if (!closed) {
            closed = true;
            store.onClosed(image);
        }
    }
}
