package org.rbdwrapper.broker.image;

import org.rbdwrapper.broker.messenger.Messenger;
import org.rbdwrapper.broker.store.StoreImage;

/**
 * One opening of an image on one messenger's connection, shared by all who are directed to it.
 * Owned by the conductor.
 */
final class Instance {
    final Messenger messenger;
    final StoreImage image;

    Instance(Messenger messenger, StoreImage image) {
        this.messenger = messenger;
        this.image = image;
    }
}
