package org.rbdwrapper.client;

import org.rbdwrapper.client.io.OperationGate;
import org.rbdwrapper.client.session.BrokerSession;
import org.rbdwrapper.client.session.LazyImage;
import org.rbdwrapper.client.session.OpenedImage;
import org.rbdwrapper.ipc.ErrnoException;
import org.rbdwrapper.ipc.IoErrors;

import java.io.IOException;

/** What is open for a file, without the file, which a program may lose. Any thread. */
record FileOpens(
        BrokerSession session,
        OpenedImage image,
        LazyImage queued,
        LazyImage inPlace,
        OperationGate gate) {
    /** Once, by who has closed the gate. */
    void close() throws IOException {
        gate.awaitIdle(this::relieveCompleters);
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

    /** What has several steps may need one that a program keeps. */
    private void relieveCompleters() {
        for (LazyImage.Opened opened : new LazyImage.Opened[] {queued.known(), inPlace.known()}) {
            if (opened != null) {
                opened.channels().relieveCompleter();
            }
        }
    }

    /** Nobody has the file any more. */
    void closeLost() {
        if (!gate.close()) {
            return;
        }
        LostResources.warn("an RbdFile of " + image.path());
        try {
            close();
        } catch (IOException e) {
            // nobody waits for it, and the broker closes what it has at the session's end
        }
    }
}
