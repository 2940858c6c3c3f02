package org.rbdwrapper.broker.session;

import org.rbdwrapper.broker.Workers;
import org.rbdwrapper.broker.image.ImageOpen;
import org.rbdwrapper.broker.image.OpenRequest;
import org.rbdwrapper.broker.image.SharedImages;
import org.rbdwrapper.broker.map.ImageMap;
import org.rbdwrapper.broker.map.Mapping;
import org.rbdwrapper.broker.map.MappingOptions;
import org.rbdwrapper.broker.map.Permissions;
import org.rbdwrapper.broker.messenger.MessengerPolicy;
import org.rbdwrapper.ipc.Errno;
import org.rbdwrapper.ipc.ErrnoException;
import org.rbdwrapper.ipc.ImageSpec;

/** Opening and closing of mapped images. Conductor's thread. */
final class OpenHandler {
    private final ImageMap map;
    private final SharedImages images;
    private final Permissions permissions;
    private final MessengerPolicy policy;
    private final Workers workers;
    private final LockFiles lockFiles;
    private final ReturnGrace grace;
    private final SessionLimits limits;
    private final ReopenRetry retry;
    private final EndHandler ends;

    OpenHandler(
            ImageMap map,
            SharedImages images,
            Permissions permissions,
            MessengerPolicy policy,
            Workers workers,
            LockFiles lockFiles,
            ReturnGrace grace,
            SessionLimits limits,
            DelayedTasks delayed,
            EndHandler ends) {
        this.ends = ends;
        this.map = map;
        this.images = images;
        this.permissions = permissions;
        this.policy = policy;
        this.workers = workers;
        this.lockFiles = lockFiles;
        this.grace = grace;
        this.limits = limits;
        this.retry = new ReopenRetry(delayed);
    }

    void onOpen(Reply reply, String path, boolean read, boolean write) {
        if (grace.isReturning(reply.session())) {
            open(reply, path, read, write);
        } else {
            grace.whenOver(() -> open(reply, path, read, write));
        }
    }

    private void open(Reply reply, String path, boolean read, boolean write) {
        Session session = reply.session();
        if (session.ended) {
            reply.drop(); // while it waited
            return;
        }
        int handle;
        Mapping mapping;
        OpenRequest request;
        try {
            mapping = findForOpen(session, path, read, write);
            MappingOptions options = MappingOptions.parse(mapping.options());
            if (write && session.unflushed.mayContain(mapping.mappedAtNanos())) {
                throw lostChanges(mapping);
            }
            try {
                handle = takeHandle(session, mapping);
            } catch (ErrnoException e) {
                onFailure(reply, path, read, write, options, e);
                return;
            }
            request =
                    new OpenRequest(
                            handle,
                            read,
                            write,
                            session.messenger,
                            session.ledger,
                            options.isPerImage(policy),
                            options.tuning(),
                            open -> {
                                session.pendingOpens--;
                                onOpened(reply, open, mapping, options, read, write);
                            },
                            failure -> {
                                session.pendingOpens--;
                                giveBackHandle(session, handle);
                                onFailure(reply, path, read, write, options, failure);
                            });
        } catch (ErrnoException e) {
            ReopenRetry.onAnswer(session); // unmapped while it waited
            reply.fail(e);
            return;
        }
        session.pendingOpens++;
        images.open(mapping.spec(), request);
    }

    private void onFailure(
            Reply reply,
            String path,
            boolean read,
            boolean write,
            MappingOptions options,
            ErrnoException failure) {
        if (ReopenRetry.isFor(reply.session(), options, failure)) {
            retry.later(reply.session(), failure, () -> open(reply, path, read, write));
        } else {
            ReopenRetry.onAnswer(reply.session());
            reply.fail(failure);
        }
    }

    void onClose(Reply reply, int handle) {
        Session session = reply.session();
        Session.MappedOpen mapped = session.opens.remove(handle);
        if (mapped == null) {
            reply.fail(
                    new ErrnoException(
                            Errno.EBADF, "close of handle " + Integer.toUnsignedString(handle)));
            return;
        }
        session.ledger.closed(handle);
        close(
                session,
                mapped,
                () -> {
                    session.giveBackHandle(handle);
                    reply.done();
                });
    }

    private int takeHandle(Session session, Mapping mapping) throws ErrnoException {
        try {
            limits.take(session.peer.uid(), Resource.OPENS, 1);
        } catch (ErrnoException e) {
            throw new ErrnoException(e.errno(), "open " + mapping.path() + ": " + e.what(), e);
        }
        try {
            return session.takeHandle();
        } catch (ErrnoException e) {
            limits.giveBack(session.peer.uid(), Resource.OPENS, 1);
            throw e;
        }
    }

    private void giveBackHandle(Session session, int handle) {
        session.giveBackHandle(handle);
        limits.giveBack(session.peer.uid(), Resource.OPENS, 1);
    }

    /**
     * Ends an open of a session that goes on or has ended; {@code whenClosed} is called when its
     * image is closed, if nobody else has it.
     */
    void close(Session session, Session.MappedOpen mapped, Runnable whenClosed) {
        ImageOpen open = mapped.open();
        Runnable done =
                session.closing(
                        () -> {
                            limits.giveBack(session.peer.uid(), Resource.OPENS, 1);
                            whenClosed.run();
                        });
        session.finishedRequests += open.handle().requests();
        if (session.ended && !mapped.revoked()) {
            ends.onSessionEnd(session, open);
        }
        if (mapped.revoked()) {
            session.messenger.execute(
                    () -> {
                        session.channels.forgetHandle(open.handle());
                        workers.post(done);
                    });
            return;
        }
        Runnable drained = () -> workers.post(() -> images.close(open, done));
        session.messenger.execute(() -> session.channels.removeHandle(open.handle(), drained));
    }

    /** Ends an open against its client's will: its requests are answered with ESHUTDOWN. */
    void revoke(Session session, Session.MappedOpen mapped, Runnable done) {
        ImageOpen open = mapped.open();
        session.ledger.closed(open.handle().handle());
        session.opens.put(
                open.handle().handle(), new Session.MappedOpen(open, mapped.mapping(), true));
        open.changes().count(); // what it has read and kept is not its any more
        Runnable closed = session.closing(done);
        Runnable drained = () -> workers.post(() -> images.close(open, closed));
        session.messenger.execute(() -> session.channels.revokeHandle(open.handle(), drained));
    }

    private void onOpened(
            Reply reply,
            ImageOpen open,
            Mapping mapping,
            MappingOptions options,
            boolean read,
            boolean write) {
        Session session = reply.session();
        if (session.ended) {
            reply.drop();
            images.close(open, () -> giveBackHandle(session, open.handle().handle()));
            return;
        }
        if (!map.has(mapping)) {
            // nobody who unmapped it saw this open, and nobody could revoke it
            refuse(
                    reply,
                    open,
                    new ErrnoException(Errno.ENOENT, mapping.path() + " is not mapped any more"));
            return;
        }
        boolean holdsWrites = write && open.image().holdsWrites();
        if (holdsWrites && options.isCacheOff()) {
            refuse(reply, open, MappingOptions.cached("open " + mapping.path(), open.image()));
            return;
        }
        if (holdsWrites && session.unflushed.isUnknown()) {
            refuse(reply, open, lostChanges(mapping));
            return;
        }
        ReopenRetry.onAnswer(session);
        Session.MappedOpen mapped = new Session.MappedOpen(open, mapping, false);
        session.opens.put(open.handle().handle(), mapped);
        session.ledger.opened(open.handle().handle(), mapping.mappedAtNanos(), holdsWrites);
        open.install(
                session.channels,
                () ->
                        workers.post(
                                () ->
                                        reply.send(
                                                ControlProxy.imageOpened(
                                                        reply.correlationId(),
                                                        mapped,
                                                        read,
                                                        write))));
    }

    /** Instead of installing it. */
    private void refuse(Reply reply, ImageOpen open, ErrnoException failure) {
        Session session = reply.session();
        ReopenRetry.onAnswer(session);
        images.close(open, () -> giveBackHandle(session, open.handle().handle()));
        reply.fail(failure);
    }

    private static ErrnoException lostChanges(Mapping mapping) {
        return new ErrnoException(
                Errno.EIO,
                "open "
                        + mapping.path()
                        + " again: the broker that ended had changes of it in its cache that were"
                        + " not flushed");
    }

    /** A mapping has gone from the map. */
    void onUnmapped(Mapping mapping) {
        if (map.findBySpec(mapping.spec()).isEmpty()) {
            lockFiles.forget(mapping.spec());
        }
    }

    /**
     * Runs it when the image of a mapping that has gone is closed, so that who unmaps it can go on
     * with it by other means; at once where it is mapped in another way, too.
     */
    void whenLeft(Mapping mapping, Runnable then) {
        if (map.findBySpec(mapping.spec()).isEmpty()) {
            images.whenUnused(mapping.spec(), then);
        } else {
            then.run();
        }
    }

    private Mapping findForOpen(Session session, String path, boolean read, boolean write)
            throws ErrnoException {
        if (session.channels == null) {
            throw new ErrnoException(
                    Errno.EINVAL,
                    "open " + ImageSpec.quote(path) + ": the session has no channels");
        }
        if (!read && !write) {
            throw new ErrnoException(
                    Errno.EINVAL,
                    "open " + ImageSpec.quote(path) + " for neither reading nor writing");
        }
        Mapping mapping = map.atPath(path);
        if (!permissions.mayOpen(mapping, session.peer.uid(), session.gids, read, write)) {
            throw new ErrnoException(
                    Errno.EACCES,
                    String.format(
                            "open %s for uid %d: it belongs to %s:%s with mode %04o (rbdwrapper-adm"
                                    + " map --owner, --mode)",
                            mapping.path(),
                            session.peer.uid(),
                            Integer.toUnsignedString(mapping.ownerUid()),
                            Integer.toUnsignedString(mapping.ownerGid()),
                            mapping.mode()));
        }
        if (write && mapping.readOnly()) {
            throw new ErrnoException(
                    Errno.EROFS, "open " + mapping.path() + " for writing: it is mapped read-only");
        }
        return mapping;
    }
}
