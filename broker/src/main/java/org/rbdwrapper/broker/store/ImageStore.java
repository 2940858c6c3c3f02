package org.rbdwrapper.broker.store;

import org.rbdwrapper.ipc.ErrnoException;

/**
 * A place where images are kept. No caller asks which one it has.
 *
 * <p>Thread rules: every method of this interface and of {@link StoreConnection} may block and is
 * called on the broker's workers, never on a messenger; calls on different threads may overlap.
 */
public interface ImageStore extends AutoCloseable {
    /**
     * What {@code status} shows: {@code file:/var/lib/rbdwrapper/images}, {@code
     * ceph:/etc/ceph/ceph.conf}.
     */
    String describe();

    /**
     * Opens one more connection, with threads and sockets of its own where the store has such.
     *
     * @param name for people and logs, such as {@code messenger-2}.
     */
    StoreConnection connect(String name) throws ErrnoException;

    /** Ends what the connections share. Connections are closed first. */
    @Override
    void close();
}
