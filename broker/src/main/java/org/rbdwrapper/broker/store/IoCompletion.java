package org.rbdwrapper.broker.store;

/** Who waits for a request. */
public interface IoCompletion {
    /**
     * Must not throw and must not block.
     *
     * @param result bytes done (for a READ fewer only at the image's end; 0 for FLUSH), or a
     *     negative Linux error number.
     */
    void onComplete(long result);

    /**
     * The same for a store that says of a change only that it was done: all of it was. Must not
     * throw and must not block.
     */
    void onWhollyDone();

    /**
     * A small number, unique among the requests in flight in this process, that a store may hand to
     * native code and turn back into this object. Constant for the life of the object, which
     * outlives the request; the table that turns it back is {@link CompletionRegistry}.
     */
    int completionId();
}
