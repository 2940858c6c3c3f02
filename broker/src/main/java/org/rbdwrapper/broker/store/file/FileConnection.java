package org.rbdwrapper.broker.store.file;

import org.rbdwrapper.broker.FileErrors;
import org.rbdwrapper.broker.store.ImageDetails;
import org.rbdwrapper.broker.store.ProgressListener;
import org.rbdwrapper.broker.store.StoreConnection;
import org.rbdwrapper.broker.store.StoreImage;
import org.rbdwrapper.ipc.ErrnoException;
import org.rbdwrapper.ipc.ImageSpec;

import java.io.IOException;
import java.util.List;

/** All connections of a {@link FileStore} are the same: there is nothing to be connected to. */
final class FileConnection implements StoreConnection {
    private final FileStore store;

    FileConnection(FileStore store) {
        this.store = store;
    }

    @Override
    public StoreImage open(ImageSpec spec, boolean readOnly) throws ErrnoException {
        return store.openImage(spec, readOnly);
    }

    @Override
    public void create(ImageSpec spec, long size) throws ErrnoException {
        store.create(spec, size);
    }

    @Override
    public List<String> list(String pool, String namespace) throws ErrnoException {
        return store.list(pool, namespace);
    }

    @Override
    public ImageDetails describe(ImageSpec spec) throws ErrnoException {
        ImageFolder folder = store.existing(spec);
        ImageMeta meta = folder.meta();
        try {
            long size = folder.size();
            return new ImageDetails(
                    size, FileImage.OBJECT_SIZE, 0, 0, meta.id(), "", store.times(spec));
        } catch (IOException e) {
            throw FileErrors.of(e, "image " + spec + " cannot be described");
        }
    }

    @Override
    public String resize(ImageSpec spec, long size, boolean allowShrink, ProgressListener progress)
            throws ErrnoException {
        return store.resize(spec, size, allowShrink);
    }

    @Override
    public void setTimes(ImageSpec spec, long accessed, long modified) throws ErrnoException {
        store.setTimes(spec, accessed, modified);
    }

    @Override
    public void remove(ImageSpec spec, ProgressListener progress) throws ErrnoException {
        store.remove(spec);
    }

    @Override
    public void close() {
        // nothing is held
    }
}
