package org.rbdwrapper.broker.store.fault;

import org.rbdwrapper.broker.store.ImageDetails;
import org.rbdwrapper.broker.store.ImageRef;
import org.rbdwrapper.broker.store.ImageTuning;
import org.rbdwrapper.broker.store.ProgressListener;
import org.rbdwrapper.broker.store.StoreConnection;
import org.rbdwrapper.broker.store.StoreImage;
import org.rbdwrapper.ipc.ErrnoException;
import org.rbdwrapper.ipc.ImageSpec;

import java.util.List;

/** A connection whose calls a fault can befall. */
final class FaultConnection implements StoreConnection {
    private final FaultStore store;
    private final StoreConnection connection;

    FaultConnection(FaultStore store, StoreConnection connection) {
        this.store = store;
        this.connection = connection;
    }

    @Override
    public StoreImage open(ImageSpec spec, boolean readOnly) throws ErrnoException {
        store.before(FaultPoint.OPEN, spec);
        return new FaultImage(store, connection.open(spec, readOnly));
    }

    @Override
    public StoreImage open(ImageSpec spec, boolean readOnly, ImageTuning tuning)
            throws ErrnoException {
        store.before(FaultPoint.OPEN, spec);
        return new FaultImage(store, connection.open(spec, readOnly, tuning));
    }

    @Override
    public StoreImage open(ImageRef image, boolean readOnly, ImageTuning tuning)
            throws ErrnoException {
        store.before(FaultPoint.OPEN, image);
        return new FaultImage(store, connection.open(image, readOnly, tuning));
    }

    @Override
    public ImageRef identify(ImageSpec spec) throws ErrnoException {
        store.before(FaultPoint.DESCRIBE, spec);
        return connection.identify(spec);
    }

    @Override
    public ImageDetails describe(ImageRef image) throws ErrnoException {
        store.before(FaultPoint.DESCRIBE, image);
        return connection.describe(image);
    }

    @Override
    public void create(ImageSpec spec, long size) throws ErrnoException {
        store.before(FaultPoint.CREATE, spec);
        connection.create(spec, size);
    }

    @Override
    public List<String> list(String pool, String namespace) throws ErrnoException {
        store.before(FaultPoint.LIST, pool + "/" + namespace);
        return connection.list(pool, namespace);
    }

    @Override
    public ImageDetails describe(ImageSpec spec) throws ErrnoException {
        store.before(FaultPoint.DESCRIBE, spec);
        return connection.describe(spec);
    }

    @Override
    public String resize(ImageSpec spec, long size, boolean allowShrink, ProgressListener progress)
            throws ErrnoException {
        store.before(FaultPoint.RESIZE, spec);
        return connection.resize(spec, size, allowShrink, progress);
    }

    @Override
    public void setTimes(ImageSpec spec, long accessed, long modified) throws ErrnoException {
        connection.setTimes(spec, accessed, modified);
    }

    @Override
    public void remove(ImageSpec spec, ProgressListener progress) throws ErrnoException {
        store.before(FaultPoint.REMOVE, spec);
        connection.remove(spec, progress);
    }

    @Override
    public int[] ioThreads() {
        return connection.ioThreads();
    }

    @Override
    public void close() {
        connection.close();
    }
}
