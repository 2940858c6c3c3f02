package org.rbdwrapper.client.session;

import org.rbdwrapper.client.io.Target;
import org.rbdwrapper.ipc.Errno;

import java.util.concurrent.atomic.AtomicBoolean;

/** An image that is open in a session, and what the broker said of it. Any thread. */
public final class OpenedImage implements Target {
    private final AtomicBoolean open = new AtomicBoolean(true);
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

    public boolean isOpen() {
        return open.get();
    }

    /** True for the one caller that closes it. */
    public boolean markClosed() {
        return open.compareAndSet(true, false);
    }
}
