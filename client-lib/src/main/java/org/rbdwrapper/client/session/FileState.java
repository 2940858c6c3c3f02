package org.rbdwrapper.client.session;

import org.rbdwrapper.ipc.Errno;
import org.rbdwrapper.ipc.ErrnoException;

import java.util.concurrent.atomic.AtomicReference;

/**
 * What the sessions share in which one file is open: its image is there for all of them, or, for
 * good, for none. Were it each one's own, a program that has been told of the loss by one would
 * change by another what it takes to be lost, or an image that has the name by now.
 *
 * <p>Any thread.
 */
final class FileState {
    private final AtomicReference<ErrnoException> loss = new AtomicReference<>();

    /** Why it is lost; null: it is not. */
    ErrnoException loss() {
        return loss.get();
    }

    /** Its number, or null. */
    Errno failure() {
        ErrnoException why = loss.get();
        return why == null ? null : why.errno();
    }

    /** The first reason stays. */
    void lose(ErrnoException why) {
        loss.compareAndSet(null, why);
    }
}
