package org.rbdwrapper.client.session;

import java.util.concurrent.atomic.AtomicBoolean;

/** What the broker said of an image when it was opened. Any thread. */
public final class OpenedImage {
    private final AtomicBoolean open = new AtomicBoolean(true);
    private final String path;
    private final int handle;
    private final int objectSize;
    private final String imageId;

    OpenedImage(String path, int handle, int objectSize, String imageId) {
        this.path = path;
        this.handle = handle;
        this.objectSize = objectSize;
        this.imageId = imageId;
    }

    public String path() {
        return path;
    }

    public int handle() {
        return handle;
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
