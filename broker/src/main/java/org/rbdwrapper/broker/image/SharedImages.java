package org.rbdwrapper.broker.image;

import org.rbdwrapper.broker.Workers;
import org.rbdwrapper.broker.messenger.MessengerPool;
import org.rbdwrapper.ipc.ErrnoException;
import org.rbdwrapper.ipc.ImageSpec;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.util.HashMap;
import java.util.Map;

/** The images that are open on this host. Owned by the conductor. */
public final class SharedImages {
    private static final Logger LOG = LoggerFactory.getLogger(SharedImages.class);

    private final Map<ImageSpec, SharedImage> images = new HashMap<>();
    private final MessengerPool pool;
    private final Workers workers;

    public SharedImages(MessengerPool pool, Workers workers) {
        this.pool = pool;
        this.workers = workers;
    }

    /** Opens, or waits for its turn; the request hears of it. */
    public void open(ImageSpec spec, OpenRequest request) {
        images.computeIfAbsent(spec, s -> new SharedImage(s, this)).open(request);
    }

    /**
     * Ends an open whose handle is drained.
     *
     * @param done called on the conductor's thread when an instance that nobody uses any more is
     *     closed, too.
     */
    public void close(ImageOpen open, Runnable done) {
        open.shared.close(open, done);
    }

    /** It has another size, or other bytes, by other means than an open's requests. */
    public void onChanged(ImageSpec spec) {
        SharedImage image = images.get(spec);
        if (image != null) {
            image.changes().count();
        }
    }

    MessengerPool pool() {
        return pool;
    }

    Workers workers() {
        return workers;
    }

    void forget(SharedImage image) {
        images.remove(image.spec(), image);
    }

    void onCloseFailure(ImageSpec spec, ErrnoException failure) {
        LOG.warn("image {} did not close cleanly: {}", spec, failure.describe());
    }
}
