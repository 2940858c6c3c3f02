package org.rbdwrapper.client.session;

import org.rbdwrapper.client.io.OperationGate;
import org.rbdwrapper.client.io.Target;
import org.rbdwrapper.ipc.Errno;

import java.util.concurrent.atomic.AtomicInteger;

/** An image that is open in a session, and what the broker said of it. Any thread. */
public final class OpenedImage implements Target {
    private static final AtomicInteger LAST_NUMBER = new AtomicInteger();

    private final int number = nextNumber();

    private final OperationGate gate = new OperationGate();
    private final String path;
    private final boolean read;
    private final boolean write;
    private final int objectSize;
    private final String imageId;
    private volatile int handle;
    private volatile Errno failure;

    OpenedImage(
            String path, boolean read, boolean write, int handle, int objectSize, String imageId) {
        this.path = path;
        this.read = read;
        this.write = write;
        this.handle = handle;
        this.objectSize = objectSize;
        this.imageId = imageId;
    }

    public String path() {
        return path;
    }

    boolean isRead() {
        return read;
    }

    boolean isWrite() {
        return write;
    }

    /** Positive: what channels say instead of one is not. */
    private static int nextNumber() {
        return LAST_NUMBER.updateAndGet(last -> last == Integer.MAX_VALUE ? 1 : last + 1);
    }

    @Override
    public int number() {
        return number;
    }

    @Override
    public OperationGate gate() {
        return gate;
    }

    @Override
    public int handle() {
        return handle;
    }

    @Override
    public Errno failure() {
        return failure;
    }

    /** The same image, with another broker. */
    void reopened(int newHandle) {
        handle = newHandle;
    }

    /** The next broker does not have it, or not for this process. */
    void lost(Errno why) {
        failure = why;
    }

    /** Bytes. */
    public int objectSize() {
        return objectSize;
    }

    public String imageId() {
        return imageId;
    }

    @Override
    public boolean isOpen() {
        return gate.isOpen();
    }
}
