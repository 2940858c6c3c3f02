package org.rbdwrapper.broker.session;

import org.rbdwrapper.ipc.ErrnoException;
import org.rbdwrapper.ipc.control.FrameBuffer;

/**
 * The answer that one request of a client waits for: given once, on the conductor's thread. A
 * client that has gone in the meantime gets none.
 */
final class Reply {
    private final Conductor conductor;
    private final Session session;
    private final long correlationId;

    Reply(Conductor conductor, Session session, long correlationId) {
        this.conductor = conductor;
        this.session = session;
        this.correlationId = correlationId;
        session.pendingRequests++;
    }

    long correlationId() {
        return correlationId;
    }

    Session session() {
        return session;
    }

    void done() {
        send(ControlProxy.done(correlationId));
    }

    void fail(ErrnoException failure) {
        send(ControlProxy.error(correlationId, failure));
    }

    /** Not the answer yet; may come any number of times. */
    void progress(long done, long total) {
        if (!session.ended) {
            conductor.send(session, ControlProxy.progress(correlationId, done, total));
        }
    }

    /**
     * @param descriptors stay the caller's.
     */
    void send(FrameBuffer answer, int... descriptors) {
        session.pendingRequests--;
        conductor.send(session, answer, descriptors);
        conductor.onReplied(session);
    }

    /** There is nobody any more whom it could be sent to. */
    void drop() {
        session.pendingRequests--;
        conductor.onReplied(session);
    }
}
