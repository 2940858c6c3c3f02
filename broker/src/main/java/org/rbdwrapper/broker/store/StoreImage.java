package org.rbdwrapper.broker.store;

import org.rbdwrapper.ipc.ErrnoException;
import org.rbdwrapper.ipc.codec.IoOp;

/** An open image. Its {@link #submit} is the hot path; all else is not. */
public interface StoreImage extends AutoCloseable {
    /** Bytes; follows a resize made through this host's broker. Any thread, no blocking. */
    long size();

    /** Bytes that the store keeps together: the best unit of I/O. */
    int objectSize();

    /**
     * Bytes that make a set of whole objects where they begin at a multiple of it: of an image that
     * is striped over several objects more than {@link #objectSize}, of which it is a multiple.
     */
    default long objectSetSize() {
        return objectSize();
    }

    /** The image's identity, which outlives its name. Not empty. */
    String imageId();

    /** Of the snapshot that was opened, which outlives its name; else NO_SNAPSHOT. */
    default long snapshotId() {
        return ImageRef.NO_SNAPSHOT;
    }

    /**
     * Whether the store has shut this instance out for good: all its requests fail, and what opens
     * the image needs another instance. Any thread, no blocking.
     */
    default boolean isLost() {
        return false;
    }

    /** When it was read and changed. Any thread, no blocking. */
    ImageTimes times();

    /**
     * Hot path, any thread: bytes of it were changed, and nobody has heard of it yet. For a store
     * that keeps the times itself.
     */
    default void onChanged() {}

    /**
     * Any thread: it was changed as a file is that is made shorter: perhaps without a request that
     * the store has seen.
     */
    default void touch() {
        onChanged();
    }

    /** Hot path, any thread: bytes of it were read. */
    default void onRead() {}

    /**
     * Why the store's client may answer writes that the store does not have before a flush, for
     * people; null where it never does. Such writes are lost with the broker. Constant; any thread,
     * no blocking.
     */
    default String heldWritesBy() {
        return null;
    }

    /** Whether {@link #heldWritesBy} says why. */
    default boolean holdsWrites() {
        return heldWritesBy() != null;
    }

    /**
     * Starts one request. Returns at once, never blocks for long, allocates nothing and throws
     * nothing; several threads may call it at the same time.
     *
     * @param op what, but for TRUNCATE and EXTEND, which are the messengers'; the caller has
     *     checked position and length against {@link #size()} and refused what would change an
     *     image opened read-only.
     * @param address where the data is (WRITE) or goes (READ), in this process; ignored by the
     *     others. Stays valid until the completion.
     * @param position bytes from the image's start; ignored by FLUSH.
     * @param length bytes, at least 1; ignored by FLUSH. A FLUSH covers every write completed
     *     before it.
     * @param completion called exactly once, on this thread before this method returns or on any
     *     other.
     */
    void submit(IoOp op, long address, long position, long length, IoCompletion completion);

    /**
     * Blocks until all that was submitted has completed; must not be called on a messenger's
     * thread.
     */
    @Override
    void close() throws ErrnoException;
}
