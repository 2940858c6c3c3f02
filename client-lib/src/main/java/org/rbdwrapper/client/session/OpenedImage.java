package org.rbdwrapper.client.session;

import org.rbdwrapper.client.io.OperationGate;
import org.rbdwrapper.client.io.Target;
import org.rbdwrapper.ipc.Errno;
import org.rbdwrapper.ipc.ErrnoException;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;

/**
 * An image that is open in a session, and what the broker said of it: it or the others in which its
 * file is open have it, or none. Any thread.
 */
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
    private final FileState state;
    private volatile int handle;
    private volatile Errno absence; // why this session does not have it; null: it does

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

    /**
     * @param state of the file that it is.
     */
    OpenedImage(
            String path,
            boolean read,
            boolean write,
            int handle,
            int objectSize,
            String imageId,
            FileState state) {
        this.path = path;
        this.read = read;
        this.write = write;
        this.handle = handle;
        this.objectSize = objectSize;
        this.imageId = imageId;
        this.state = state;
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
        Errno own = absence;
        return own == null ? state.failure() : own;
    }

    /**
     * @throws ErrnoException where the file is lost, in whichever session it was.
     */
    public void checkNotLost() throws ErrnoException {
        ErrnoException loss = state.loss();
        if (loss != null) {
            throw new ErrnoException(loss.errno(), loss.what(), loss);
        }
    }

    /** Whether {@link #checkNotLost} throws. */
    public boolean isLost() {
        return state.loss() != null;
    }

    /**
     * What an operation on it has failed with. The file is lost where it was shut out: by an unmap
     * by force, or since the cluster has blocklisted its Ceph client.
     */
    public void onFailure(ErrnoException failure) {
        if (failure.errno().equals(Errno.ESHUTDOWN)) {
            state.lose(
                    new ErrnoException(
                            Errno.ESHUTDOWN,
                            "it was shut out: it was unmapped by force, or its Ceph client"
                                    + " blocklisted",
                            failure));
        }
    }

    FileState state() {
        return state;
    }

    /** Whether the session's broker, where it has one, has it under {@link #handle}. */
    boolean isHeld() {
        return absence == null;
    }

    /** The same image, with another broker. */
    void reopened(int newHandle) {
        handle = newHandle;
    }

    /** The next broker does not have it, or not for this process; or there is none. */
    void lost(ErrnoException why) {
        absence = why.errno();
        state.lose(why);
    }

    /** The file is lost already, and this session has not opened it again. */
    void notReopened(Errno why) {
        absence = why;
    }

    void closed() {
        absence = Errno.EBADF;
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
