package org.rbdwrapper.client.io;

/**
 * Who hears of an operation's end: one of the two is called, on the channel's own thread, or at
 * once on the submitter's where the operation could not begin. Where one of them throws, {@link
 * #onFailed} follows, so that what it did not come to is done.
 */
public interface Completion {
    /**
     * @param result bytes transferred; 0 of other operations.
     */
    void onDone(long result);

    /**
     * @param failure an {@link org.rbdwrapper.ipc.ErrnoException}, or whatever was thrown by a copy
     *     or in the operation's own code.
     */
    void onFailed(Throwable failure);

    /** Whether nobody needs to hear any more. */
    boolean isDone();

    /**
     * Whether the buffer is not the operation's any more, which then copies nothing, submits
     * nothing more and tells nobody of its end.
     */
    default boolean isGivenUp() {
        return false;
    }

    /** Before anything is copied: whom to wait for who gives the buffer up. */
    default void onHeld(BufferHold hold) {}
}
