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

    private final ImageTuning tuning;
    private StoreImage image;
    private boolean closed;

    Instance(Messenger messenger, ImageTuning tuning) {
        this.messenger = messenger;
        this.tuning = tuning;
    }

    /** Worker, once. Blocks. */
    void open(ImageRef ref, boolean readOnly) throws ErrnoException {
        this.image = messenger.open(ref, readOnly, tuning);
    }

    /** Of one that is open. */
    StoreImage image() {
        return image;
    }

    /** Whether who wants the image opened in this way needs another instance. */
    boolean isLeft(ImageTuning wanted) {
        return isLost() || !tuning.equals(wanted);
    }

    boolean isLost() {
        return image.isLost();
    }

    /** Whether closing it may write what programs have been told is written. */
    boolean holdsWrites() {
        return image != null && image.holdsWrites();
    }

    /** Worker: closes it if it was opened, and only once. Blocks. */
    void close() throws ErrnoException {
        if (image != null && !closed) {
            closed = true;
            image.close();
        }
    }
}
