package org.rbdwrapper.broker.image;

import org.rbdwrapper.broker.messenger.Messenger;
import org.rbdwrapper.broker.store.ImageRef;
import org.rbdwrapper.broker.store.ImageTuning;
import org.rbdwrapper.broker.store.StoreImage;
import org.rbdwrapper.ipc.ErrnoException;

/**
 * One opening of an image on one messenger's connection, shared by all who are directed to it.
 *
 * <p>Owned by the conductor. A worker opens and closes it, while the conductor waits for that.
 */
final class Instance {
    final Messenger messenger;

    /** How many opens are directed to it, or are about to be. */
    int users;

    /** What was written may not be with the store. */
    boolean closeFailed;

    private StoreImage image;
    private boolean closed;

    Instance(Messenger messenger) {
        this.messenger = messenger;
    }

    /** Worker, once. Blocks. */
    void open(ImageRef ref, boolean readOnly, ImageTuning tuning) throws ErrnoException {
        this.image = messenger.open(ref, readOnly, tuning);
    }

    /** Of one that is open. */
    StoreImage image() {
        return image;
    }

    boolean isLost() {
        return image.isLost();
    }

    /** Worker: closes it if it was opened, and only once. Blocks. */
    void close() throws ErrnoException {
        if (image != null && !closed) {
            closed = true;
            image.close();
        }
    }
}
