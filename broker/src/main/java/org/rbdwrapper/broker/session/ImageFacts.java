package org.rbdwrapper.broker.session;

import org.rbdwrapper.broker.store.ImageDetails;
import org.rbdwrapper.broker.store.ImageTimes;
import org.rbdwrapper.broker.store.StoreImage;

/**
 * What stat(2) tells of an image.
 *
 * @param size bytes.
 * @param objectSize bytes that the store keeps together.
 */
record ImageFacts(long size, int objectSize, ImageTimes times) {
    static ImageFacts of(StoreImage open) {
        return new ImageFacts(open.size(), open.objectSize(), open.times());
    }

    static ImageFacts of(ImageDetails details) {
        return new ImageFacts(details.size(), details.objectSize(), details.times());
    }
}
