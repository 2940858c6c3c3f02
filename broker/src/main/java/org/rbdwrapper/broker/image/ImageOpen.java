package org.rbdwrapper.broker.image;

import org.rbdwrapper.broker.messenger.ChangeCounter;
import org.rbdwrapper.broker.messenger.LogicalEnds;
import org.rbdwrapper.broker.messenger.Messenger;
import org.rbdwrapper.broker.messenger.OpenHandle;
import org.rbdwrapper.broker.messenger.SessionChannels;
import org.rbdwrapper.broker.store.ImageRef;
import org.rbdwrapper.broker.store.StoreImage;

import java.util.function.Consumer;

/**
 * One open of an image by a session, as the conductor sees it; {@link OpenHandle} is what the
 * session's messenger has of it. Owned by the conductor.
 */
public final class ImageOpen {
    final SharedImage shared;
    final Messenger drainer;
    private final OpenHandle handle;
    private Instance instance;

    /** Where it is being moved to: until that is done, its requests may go to either. */
    private Instance target;

    private boolean letGo;
    private boolean left;

    ImageOpen(SharedImage shared, Instance instance, Messenger drainer, OpenHandle handle) {
        this.shared = shared;
        this.instance = instance;
        this.drainer = drainer;
        this.handle = handle;
        instance.users++;
    }

    Instance instance() {
        return instance;
    }

    /** Its messenger is about to be told that requests go there. */
    void moving(Instance to) {
        if (target != to) {
            leaveTarget();
            target = to;
            to.users++;
        }
    }

    /** Its messenger has been told. */
    void moved(Instance to) {
        if (target == to) {
            target = null; // of which it is a user already
            instance.users--;
            instance = to;
        }
    }

    /** It is drained, and uses neither any more; may be called again. */
    void letGo() {
        leaveTarget();
        if (!letGo) {
            letGo = true;
            instance.users--;
        }
    }

    private void leaveTarget() {
        if (target != null) {
            target.users--;
            target = null;
        }
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
        return instance.image();
    }

    /**
     * Starts serving it; one of the two is called on the messenger's thread.
     *
     * @param installed the handle can be used.
     * @param failed by this.
     */
    public void install(SessionChannels channels, Runnable installed, Consumer<Throwable> failed) {
        drainer.execute(
                () -> {
                    try {
                        channels.addHandle(handle);
                        installed.run();
                    } catch (RuntimeException | Error e) {
                        failed.accept(e);
                    }
                });
    }
}
