package org.rbdwrapper.client.session;

import org.rbdwrapper.client.io.OperationGate;
import org.rbdwrapper.client.io.Target;
import org.rbdwrapper.ipc.Errno;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;

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
    private final AtomicReference<End> end = new AtomicReference<>(End.NONE);
    private volatile int handle;
    private volatile Errno failure;

    /** Whether the file has a logical end, which the broker keeps. */
    enum End {
        NONE,

        /**
         * It is being truncated for the first time: a broker that ends then may have done it, and
         * the next one has the end; or not, and it is made again.
         */
        BEING_SET,
        KEPT
    }

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

    End end() {
        return end.get();
    }

    /** Before it is truncated. */
    public void onTruncation() {
        end.compareAndSet(End.NONE, End.BEING_SET);
    }

    /** It was, or could not be. */
    public void onTruncated(boolean isTruncated) {
        end.compareAndSet(End.BEING_SET, isTruncated ? End.KEPT : End.NONE);
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
