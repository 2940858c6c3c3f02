package org.rbdwrapper.broker.store;

/** Hears how far a long administrative call is. */
@FunctionalInterface
public interface ProgressListener {
    ProgressListener NONE = (done, total) -> {};

    /** Called on the thread that makes the call, or on one of the store's; must not throw. */
    void onProgress(long done, long total);
}
