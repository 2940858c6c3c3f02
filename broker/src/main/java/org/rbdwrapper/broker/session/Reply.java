package org.rbdwrapper.broker.session;

import org.rbdwrapper.broker.CallOrigin;
import org.rbdwrapper.broker.Lane;
import org.rbdwrapper.broker.Unexpected;
import org.rbdwrapper.ipc.ErrnoException;
import org.rbdwrapper.ipc.control.FrameBuffer;

/**
 * The answer that one request of a client waits for: given once, on the conductor's thread; what
 * follows is not sent, so that whoever finds that a request has failed may say so, whether it was
 * answered before or not. A client that has gone in the meantime gets none.
 */
final class Reply {
    private final Conductor conductor;
    private final Session session;
    private final long correlationId;
    private boolean given;

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

    /** A call that is made for it, and not when its client has gone before. */
    CallOrigin origin(Lane lane, String what) {
        return new CallOrigin(lane, session.peer.uid(), what, () -> !session.isEnded());
    }

    void done() {
        send(ControlProxy.done(correlationId));
    }

    void fail(ErrnoException failure) {
        send(ControlProxy.error(correlationId, failure));
    }

    /**
     * Something that this request waits for: whatever it throws is the request's answer.
     *
     * @param what for the log.
     */
    Runnable guarded(String what, Runnable step) {
        return () -> {
            try {
                step.run();
            } catch (RuntimeException | Error e) {
                Unexpected.log(what, e);
                fail(Unexpected.failure(e));
            }
        };
    }

    /** Not the answer yet; may come any number of times. */
    void progress(long done, long total) {
        if (!given && !session.isEnded()) {
            conductor.send(session, ControlProxy.progress(correlationId, done, total));
        }
    }

    /**
     * @param descriptors stay the caller's.
     */
    void send(FrameBuffer answer, int... descriptors) {
        if (given) {
            return;
        }
        give();
        try {
            conductor.send(session, answer, descriptors);
        } catch (RuntimeException | Error e) {
            Unexpected.log("an answer to " + session.describe(), e);
            conductor.end(session, "it cannot be answered"); // rather than have it wait for ever
        }
        conductor.onReplied(session);
    }

    /** There is nobody any more whom it could be sent to. */
    void drop() {
        if (!given) {
            give();
            conductor.onReplied(session);
        }
    }

    private void give() {
        given = true;
        session.pendingRequests--;
    }
}
