package org.rbdwrapper.broker.store.ceph;

import org.rbdwrapper.broker.store.ImageDetails;
import org.rbdwrapper.broker.store.ImageRef;
import org.rbdwrapper.broker.store.ImageTuning;
import org.rbdwrapper.broker.store.ProgressListener;
import org.rbdwrapper.broker.store.StoreConnection;
import org.rbdwrapper.broker.store.StoreImage;
import org.rbdwrapper.ipc.ErrnoException;
import org.rbdwrapper.ipc.ImageSpec;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Stream;

/**
 * A connection, and beside it one for each other way in which images are opened: a Ceph client of
 * its own that is kept from then on, for librados takes what an io-timeout and a cache need when a
 * client starts, and not later.
 *
 * <p>The timeout is librados's rados_osd_op_timeout, not one of ours above it: when it ends a
 * request, that is over. Its answer says ETIMEDOUT once, no late answer follows, and nothing reads
 * from or writes into the client's arena any more, so that the tag and the arena's bytes can be
 * used again at once. If we answered in librbd's stead, its late read would overwrite what the
 * program has put there since.
 *
 * <p>What has been sent cannot be taken back: an OSD that was stopped may still do a write that
 * ended with ETIMEDOUT, before any later one of the same client on the same object. A program must
 * take the block for either the old or the new one. One request may be several of librados, one
 * after the other (the exclusive lock, the object map, the data), and so last several timeouts;
 * waiting for another host to let go of its exclusive lock is none of them and has no end. Where
 * the object map could not be written in time, librbd marks it as invalid: all goes on, and {@code
 * rbd object-map rebuild} makes it useful again.
 *
 * <p>Any thread.
 */
final class TunedConnections implements StoreConnection {
    private final Connecting connecting;
    private final StoreConnection plain;
    private final Map<ImageTuning, StoreConnection> tuned = new ConcurrentHashMap<>();

    /** Makes a connection. Blocks. */
    @FunctionalInterface
    interface Connecting {
        StoreConnection connect(ImageTuning tuning) throws ErrnoException;
    }

    TunedConnections(Connecting connecting) throws ErrnoException {
        this.connecting = connecting;
        this.plain = connecting.connect(ImageTuning.NONE);
    }

    @Override
    public StoreImage open(ImageSpec spec, boolean readOnly) throws ErrnoException {
        return plain.open(spec, readOnly);
    }

    @Override
    public StoreImage open(ImageSpec spec, boolean readOnly, ImageTuning tuning)
            throws ErrnoException {
        return of(tuning).open(spec, readOnly);
    }

    @Override
    public StoreImage open(ImageRef image, boolean readOnly, ImageTuning tuning)
            throws ErrnoException {
        return of(tuning).open(image, readOnly, tuning);
    }

    @Override
    public ImageDetails describe(ImageRef image) throws ErrnoException {
        return plain.describe(image);
    }

    @Override
    public ImageRef identify(ImageSpec spec) throws ErrnoException {
        return plain.identify(spec);
    }

    @Override
    public void create(ImageSpec spec, long size) throws ErrnoException {
        plain.create(spec, size);
    }

    @Override
    public List<String> list(String pool, String namespace) throws ErrnoException {
        return plain.list(pool, namespace);
    }

    @Override
    public ImageDetails describe(ImageSpec spec) throws ErrnoException {
        return plain.describe(spec);
    }

    @Override
    public String resize(ImageSpec spec, long size, boolean allowShrink, ProgressListener progress)
            throws ErrnoException {
        return plain.resize(spec, size, allowShrink, progress);
    }

    @Override
    public void setTimes(ImageRef image, long accessed, long modified) throws ErrnoException {
        plain.setTimes(image, accessed, modified);
    }

    @Override
    public void setTimes(ImageSpec spec, long accessed, long modified) throws ErrnoException {
        plain.setTimes(spec, accessed, modified);
    }

    @Override
    public void remove(ImageSpec spec, ProgressListener progress) throws ErrnoException {
        plain.remove(spec, progress);
    }

    @Override
    public int[] ioThreads() {
        return Stream.concat(Stream.of(plain), tuned.values().stream())
                .flatMapToInt(connection -> Arrays.stream(connection.ioThreads()))
                .toArray();
    }

    @Override
    public void close() {
        tuned.values().forEach(StoreConnection::close);
        plain.close();
    }

    /** Who needs one that is made already does not wait for one that is being made. */
    private StoreConnection of(ImageTuning tuning) throws ErrnoException {
        StoreConnection connection = tuning.equals(ImageTuning.NONE) ? plain : tuned.get(tuning);
        return connection != null ? connection : make(tuning);
    }

    private synchronized StoreConnection make(ImageTuning tuning) throws ErrnoException {
        StoreConnection connection = tuned.get(tuning);
        if (connection == null) {
            connection = connecting.connect(tuning);
            tuned.put(tuning, connection);
        }
        return connection;
    }
}
