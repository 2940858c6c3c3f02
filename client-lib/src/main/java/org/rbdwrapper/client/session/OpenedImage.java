package org.rbdwrapper.client.session;

import org.rbdwrapper.client.io.Target;
import org.rbdwrapper.ipc.Errno;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;

/** An image that is open in a session, and what the broker said of it. Any thread. */
public final class OpenedImage implements Target {
    private static final AtomicInteger LAST_NUMBER = new AtomicInteger();
    private static final int CLOSED = Integer.MIN_VALUE;

    private final int number = nextNumber();

    /** Operations under way that no thread waits for, and {@link #CLOSED} added. */
    private final AtomicInteger state = new AtomicInteger();

    private final CompletableFuture<Void> idle = new CompletableFuture<>();
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
    public boolean begin() {
        if (state.getAndIncrement() < 0) {
            end();
            return false;
        }
        return true;
    }

    @Override
    public void end() {
        if (state.decrementAndGet() == CLOSED) {
            idle.complete(null);
        }
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
        return state.get() >= 0;
    }

    /** Nothing begins any more. True for the one caller that closes it. */
    public boolean markClosed() {
        int before = state.getAndUpdate(value -> value | CLOSED);
        if (before == 0) {
            idle.complete(null);
        }
        return before >= 0;
    }

    /** After {@link #markClosed}: returns when what has begun is done, whatever interrupts. */
    void awaitIdle() {
        idle.join();
    }
}
