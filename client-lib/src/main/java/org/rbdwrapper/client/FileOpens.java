package org.rbdwrapper.client;

import org.rbdwrapper.client.io.LibraryThread;
import org.rbdwrapper.client.io.OperationGate;
import org.rbdwrapper.client.session.BrokerSession;
import org.rbdwrapper.client.session.LazyImage;
import org.rbdwrapper.client.session.OpenedImage;
import org.rbdwrapper.ipc.ErrnoException;
import org.rbdwrapper.ipc.IoErrors;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.concurrent.atomic.AtomicBoolean;

/** What is open for a file, without the file, which a program may lose. Any thread. */
final class FileOpens {
    private final BrokerSession session;
    private final OpenedImage image;
    private final LazyImage queued;
    private final LazyImage inPlace;
    private final OperationGate gate;

    /** Somebody closes it, or has. */
    private final AtomicBoolean closing = new AtomicBoolean();

    /** There may be no memory for it then. */
    private final Runnable relieveCompleters = this::relieveCompleters;

    FileOpens(
            BrokerSession session,
            OpenedImage image,
            LazyImage queued,
            LazyImage inPlace,
            OperationGate gate) {
        this.session = session;
        this.image = image;
        this.queued = queued;
        this.inPlace = inPlace;
        this.gate = gate;
    }

    /** Nothing begins any more. True for the one caller who is to close it. */
    boolean beginClosing() {
        gate.close();
        return closing.compareAndSet(false, true);
    }

    /** After {@link #beginClosing}. It is done once, so it waits for the memory that it needs. */
    void close() throws IOException {
        gate.awaitIdle(relieveCompleters);
        try {
            try {
                queued.close();
            } finally {
                try {
                    inPlace.close();
                } finally {
                    session.close(image);
                }
            }
        } catch (ErrnoException e) {
            throw IoErrors.exception(e, image.path());
        }
    }

    /**
     * Likewise, on a thread of its own.
     *
     * @throws OutOfMemoryError where there is none: somebody else is to begin closing then.
     */
    void closeElsewhere() {
        try {
            LibraryThread.helper("rbdw-close", this::closeUnasked).start();
        } catch (OutOfMemoryError e) {
            closing.set(false);
            throw e;
        }
    }

    private void closeUnasked() {
        try {
            close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** What has several steps may need one that a program keeps. */
    private void relieveCompleters() {
        relieveCompleter(queued.known());
        relieveCompleter(inPlace.known());
    }

    private static void relieveCompleter(LazyImage.Opened opened) {
        if (opened != null) {
            opened.channels().relieveCompleter();
        }
    }

    /** Nobody has the file any more. */
    void closeLost() {
        if (!beginClosing()) {
            return;
        }
        try {
            LostResources.warn("an RbdFile of " + image.path());
        } finally { // there may be no memory for the warning
            closeUnheard();
        }
    }

    private void closeUnheard() {
        try {
            close();
        } catch (IOException e) {
            // nobody waits for it, and the broker closes what it has at the session's end
        }
    }
}
