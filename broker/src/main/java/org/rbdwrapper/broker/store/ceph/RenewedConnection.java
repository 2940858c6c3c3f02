package org.rbdwrapper.broker.store.ceph;

import org.rbdwrapper.broker.store.ImageDetails;
import org.rbdwrapper.broker.store.ImageRef;
import org.rbdwrapper.broker.store.ImageTuning;
import org.rbdwrapper.broker.store.ProgressListener;
import org.rbdwrapper.broker.store.StoreConnection;
import org.rbdwrapper.broker.store.StoreImage;
import org.rbdwrapper.ipc.ErrnoException;
import org.rbdwrapper.ipc.ImageSpec;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.util.List;

/**
 * A connection whose Ceph client is replaced by a fresh one when the cluster has blocklisted it,
 * which is for good: by an administrator, or by another host that took an image's exclusive lock
 * from it while it did not answer.
 *
 * <p>Images that are open stay with the client that was shut out: every request of theirs fails
 * with ESHUTDOWN, none is made again. Another host may have changed the image since, and a program
 * goes by what it knew before: it has to open the image again to be let in, as after a node of a
 * cluster was fenced. What is opened from then on is opened through the fresh client.
 *
 * <p>Any thread.
 */
final class RenewedConnection implements StoreConnection {
    private static final Logger LOG = LoggerFactory.getLogger(RenewedConnection.class);

    private final String name;
    private final Connecting connecting;
    private CephConnection current; // guarded by this

    /** Makes a client. Blocks. */
    @FunctionalInterface
    interface Connecting {
        CephConnection connect() throws ErrnoException;
    }

    /**
     * @param name for the log.
     */
    RenewedConnection(String name, Connecting connecting) throws ErrnoException {
        this.name = name;
        this.connecting = connecting;
        this.current = connecting.connect();
    }

    @Override
    public StoreImage open(ImageSpec spec, boolean readOnly) throws ErrnoException {
        return again(connection -> connection.open(spec, readOnly));
    }

    /**
     * @param tuning that of the client.
     */
    @Override
    public StoreImage open(ImageRef image, boolean readOnly, ImageTuning tuning)
            throws ErrnoException {
        return again(connection -> connection.open(image, readOnly, tuning));
    }

    @Override
    public ImageDetails describe(ImageRef image) throws ErrnoException {
        return again(connection -> connection.describe(image));
    }

    @Override
    public ImageRef identify(ImageSpec spec) throws ErrnoException {
        return again(connection -> connection.identify(spec));
    }

    @Override
    public List<String> list(String pool, String namespace) throws ErrnoException {
        return again(connection -> connection.list(pool, namespace));
    }

    @Override
    public ImageDetails describe(ImageSpec spec) throws ErrnoException {
        return again(connection -> connection.describe(spec));
    }

    @Override
    public void create(ImageSpec spec, long size) throws ErrnoException {
        once(
                connection -> {
                    connection.create(spec, size);
                    return spec;
                });
    }

    @Override
    public String resize(ImageSpec spec, long size, boolean allowShrink, ProgressListener progress)
            throws ErrnoException {
        return once(connection -> connection.resize(spec, size, allowShrink, progress));
    }

    @Override
    public void setTimes(ImageRef image, long accessed, long modified) throws ErrnoException {
        once(
                connection -> {
                    connection.setTimes(image, accessed, modified);
                    return image;
                });
    }

    @Override
    public void setTimes(ImageSpec spec, long accessed, long modified) throws ErrnoException {
        again(
                connection -> {
                    connection.setTimes(spec, accessed, modified);
                    return spec;
                });
    }

    @Override
    public void remove(ImageSpec spec, ProgressListener progress) throws ErrnoException {
        once(
                connection -> {
                    connection.remove(spec, progress);
                    return spec;
                });
    }

    @Override
    public synchronized int[] ioThreads() {
        return current.ioThreads();
    }

    @Override
    public synchronized void close() {
        current.close();
    }

    /** What changes nothing: made again where it was the first to learn of the blocklisting. */
    private <T> T again(Call<T> call) throws ErrnoException {
        CephConnection connection = usable();
        try {
            return call.on(connection);
        } catch (ErrnoException e) {
            if (!connection.isLostBy(e.errno())) {
                throw e;
            }
            return once(call);
        }
    }

    /** What may have been done in part when it fails. */
    private <T> T once(Call<T> call) throws ErrnoException {
        CephConnection connection = usable();
        try {
            return call.on(connection);
        } catch (ErrnoException e) {
            if (connection.isLostBy(e.errno())) {
                throw new ErrnoException(
                        e.errno(),
                        e.what()
                                + ", as the cluster has blocklisted the broker's Ceph client, which"
                                + " is replaced now: try again",
                        e);
            }
            throw e;
        }
    }

    private synchronized CephConnection usable() throws ErrnoException {
        if (current.isLost()) {
            CephConnection lost = current;
            current = connecting.connect();
            LOG.info("{} has a new Ceph client, in the place of the one on the blocklist", name);
            lost.closeWhenUnused();
        }
        return current;
    }

    @FunctionalInterface
    private interface Call<T> {
        T on(CephConnection connection) throws ErrnoException;
    }
}
