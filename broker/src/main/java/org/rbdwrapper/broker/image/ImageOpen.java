package org.rbdwrapper.broker.image;

import org.rbdwrapper.broker.messenger.ChangeCounter;
import org.rbdwrapper.broker.messenger.LogicalEnds;
import org.rbdwrapper.broker.messenger.Messenger;
import org.rbdwrapper.broker.messenger.OpenHandle;
import org.rbdwrapper.broker.messenger.SessionChannels;
import org.rbdwrapper.broker.store.ImageRef;
import org.rbdwrapper.broker.store.StoreImage;

/**
 * One open of an image by a session, as the conductor sees it; {@link OpenHandle} is what the
 * session's messenger has of it. Owned by the conductor.
 */
public final class ImageOpen {
    final SharedImage shared;
    final Messenger drainer;
    private final OpenHandle handle;
    Instance instance;
    private boolean left;

    ImageOpen(SharedImage shared, Instance instance, Messenger drainer, OpenHandle handle) {
        this.shared = shared;
        this.instance = instance;
        this.drainer = drainer;
        this.handle = handle;
    }

    public OpenHandle handle() {
        return handle;
    }

    /** Of the image, by whomever. */
    public ChangeCounter changes() {
        return shared.changes();
    }

    /** Before it is closed: whoever had it has not closed it, and may have its file still. */
    public void leave() {
        left = true;
    }

    boolean isLeft() {
        return left;
    }

    /** Of the image. */
    public LogicalEnds ends() {
        return shared.ends();
    }

    /** Which it is of. */
    public ImageRef ref() {
        return shared.ref();
    }

    /** On whose connection its requests go now. */
    public Messenger messenger() {
        return instance.messenger;
    }

    /** Where its requests go now. */
    public StoreImage image() {
        return instance.image;
    }

    /**
     * Starts serving it.
     *
     * @param installed called on the messenger's thread when the handle can be used.
     */
    public void install(SessionChannels channels, Runnable installed) {
        drainer.execute(
                () -> {
                    channels.addHandle(handle);
                    installed.run();
                });
    }
}
