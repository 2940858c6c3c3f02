package org.rbdwrapper.broker.session;

import org.rbdwrapper.broker.Unexpected;
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
import org.rbdwrapper.ipc.posix.Fd;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

/** Opening and closing of mapped images. Conductor's thread. */
final class OpenHandler {
    private static final Logger LOG = LoggerFactory.getLogger(OpenHandler.class);

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
    private final FileDescriptions descriptions;

    /** By the mapping's number: the opens that were not revoked. */
    private final Map<Integer, Integer> openCounts = new HashMap<>();

    /**
     * What a client wants open.
     *
     * @param path of the mapping; not looked at where there is a description.
     * @param description which is to be opened again; null: a path, with the rights of who asks.
     */
    private record Wanted(String path, boolean read, boolean write, FileDescription description) {}

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
            EndHandler ends,
            FileDescriptions descriptions) {
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
        this.descriptions = descriptions;
    }

    void onOpen(Reply reply, String path, boolean read, boolean write) {
        onOpen(reply, new Wanted(path, read, write, null));
    }

    /**
     * Opens what a descriptor stands for. Who has it need not have the rights that its opener had,
     * nor does the mapping's name matter.
     *
     * @param placeholder the caller's.
     */
    void onAttach(Reply reply, int placeholder) {
        FileDescription description;
        try {
            description = descriptions.find(placeholder);
        } catch (ErrnoException e) {
            reply.fail(e);
            return;
        }
        onOpen(
                reply,
                new Wanted(
                        description.part().path(),
                        description.read(),
                        description.write(),
                        description));
    }

    private void onOpen(Reply reply, Wanted wanted) {
        Runnable open = reply.guarded("an open", () -> open(reply, wanted));
        if (grace.isReturning(reply.session())) {
            open.run();
        } else {
            grace.whenOver(open);
        }
    }

    /** Makes a descriptor for an open, by which other processes can have it, too. */
    void onShare(Reply reply, int handle, FileDescription.Part part) {
        Session session = reply.session();
        Session.MappedOpen mapped = session.opens.get(handle);
        if (mapped == null || mapped.revoked() || mapped.description() != null) {
            reply.fail(
                    new ErrnoException(
                            Errno.EBADF, "sharing of handle " + Integer.toUnsignedString(handle)));
            return;
        }
        descriptions.make(
                session,
                mapped,
                part,
                made -> {
                    FileDescription description = made.description();
                    descriptions.attached(description);
                    if (session.opens.replace(handle, mapped, mapped.of(description))) {
                        reply.send(
                                ControlProxy.openShared(reply.correlationId()),
                                made.placeholder(),
                                made.state());
                    } else {
                        descriptions.detached(description); // closed meanwhile
                        reply.fail(
                                new ErrnoException(
                                        Errno.EBADF,
                                        "sharing of handle " + Integer.toUnsignedString(handle)));
                    }
                    closeDescriptor(made.placeholder());
                    closeDescriptor(made.state());
                },
                reply::fail);
    }

    private void open(Reply reply, Wanted wanted) {
        Session session = reply.session();
        boolean read = wanted.read();
        boolean write = wanted.write();
        if (session.isEnded()) {
            reply.drop(); // while it waited
            return;
        }
        int handle;
        Mapping mapping;
        OpenRequest request;
        try {
            mapping = findForOpen(session, wanted);
            if (map.isLeaving(mapping)) {
                map.whenSettled(mapping, reply.guarded("an open", () -> open(reply, wanted)));
                return;
            }
            MappingOptions options = MappingOptions.parse(mapping.options());
            if (write && session.unflushed.mayContain(mapping.mappedAtNanos())) {
                throw lostChanges(mapping);
            }
            try {
                handle = takeHandle(session, mapping);
            } catch (ErrnoException e) {
                onFailure(reply, wanted, options, e);
                return;
            }
            request =
                    new OpenRequest(
                            handle,
                            session.peer.uid(),
                            () -> !session.isEnded(),
                            read,
                            write,
                            session.messenger,
                            session.ledger,
                            options.isPerImage(policy),
                            options.tuning(),
                            open -> {
                                onOpened(reply, open, mapping, options, wanted);
                                session.pendingOpens--; // last: once, whatever is thrown
                            },
                            failure -> {
                                session.pendingOpens--;
                                giveBackHandle(session, handle);
                                onFailure(reply, wanted, options, failure);
                            });
        } catch (ErrnoException e) {
            ReopenRetry.onAnswer(session); // unmapped while it waited
            reply.fail(e);
            return;
        }
        session.pendingOpens++;
        try {
            images.open(mapping.image(), request);
        } catch (RuntimeException | Error e) {
            Unexpected.log("an open", e);
            request.onFailed().accept(Unexpected.failure(e));
        }
    }

    private void onFailure(
            Reply reply, Wanted wanted, MappingOptions options, ErrnoException failure) {
        if (ReopenRetry.isFor(reply.session(), options, failure)) {
            retry.later(
                    reply.session(), failure, reply.guarded("an open", () -> open(reply, wanted)));
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
                        open.handle(),
                        () -> {
                            limits.giveBack(session.peer.uid(), Resource.OPENS, 1);
                            if (mapped.description() != null) {
                                descriptions.detached(mapped.description());
                            }
                            whenClosed.run();
                        });
        session.finishedRequests += open.handle().requests();
        if (!mapped.revoked()) {
            count(mapped.mapping(), -1);
        }
        if (session.isEnded() && !mapped.revoked()) {
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
        session.opens.put(open.handle().handle(), mapped.asRevoked());
        count(mapped.mapping(), -1);
        open.changes().count(); // what it has read and kept is not its any more
        Runnable closed = session.closing(open.handle(), done);
        Runnable drained = () -> workers.post(() -> images.close(open, closed));
        session.messenger.execute(() -> session.channels.revokeHandle(open.handle(), drained));
    }

    private void onOpened(
            Reply reply, ImageOpen open, Mapping mapping, MappingOptions options, Wanted wanted) {
        Session session = reply.session();
        if (session.isEnded()) {
            reply.drop();
            images.close(open, () -> giveBackHandle(session, open.handle().handle()));
            return;
        }
        if (map.isLeaving(mapping)) {
            map.whenSettled(mapping, () -> onOpenedLate(reply, open, mapping, options, wanted));
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
        boolean holdsWrites = wanted.write() && open.image().holdsWrites();
        if (holdsWrites && options.isCacheOff()) {
            refuse(reply, open, MappingOptions.cached("open " + mapping.path(), open.image()));
            return;
        }
        if (holdsWrites && session.unflushed.isUnknown()) {
            refuse(reply, open, lostChanges(mapping));
            return;
        }
        FileDescription description = wanted.description();
        if (description != null && !description.imageId().equals(open.image().imageId())) {
            refuse(reply, open, isAnother(mapping));
            return;
        }
        ReopenRetry.onAnswer(session);
        if (description != null) {
            descriptions.attached(description);
        }
        Session.MappedOpen mapped = new Session.MappedOpen(open, mapping, false, description);
        session.opens.put(open.handle().handle(), mapped);
        count(mapping, 1);
        Consumer<Throwable> failed = thrown -> takeBack(reply, mapped, thrown);
        Runnable installed =
                () -> {
                    try {
                        sendOpened(reply, mapped, wanted);
                    } catch (RuntimeException | Error e) {
                        failed.accept(e);
                    }
                };
        try {
            session.ledger.opened(open.handle().handle(), mapping.mappedAtNanos(), holdsWrites);
            open.install(
                    session.channels,
                    () -> workers.post(installed),
                    thrown -> workers.post(() -> failed.accept(thrown)));
        } catch (RuntimeException | Error e) {
            failed.accept(e);
        }
    }

    /** It is known now whether the mapping goes. Whoever made the open has done its part. */
    private void onOpenedLate(
            Reply reply, ImageOpen open, Mapping mapping, MappingOptions options, Wanted wanted) {
        try {
            onOpened(reply, open, mapping, options, wanted);
        } catch (RuntimeException | Error e) {
            Unexpected.log("an open", e);
            refuse(reply, open, Unexpected.failure(e));
        }
    }

    private void sendOpened(Reply reply, Session.MappedOpen mapped, Wanted wanted) {
        if (wanted.description() == null) {
            reply.send(
                    ControlProxy.imageOpened(
                            reply.correlationId(), mapped, wanted.read(), wanted.write()));
        } else {
            sendAttached(reply, mapped);
        }
    }

    /**
     * The memory of the position goes to the user alone who has made the open: he could cut it
     * under the others. A process that has changed its user has it already.
     */
    private void sendAttached(Reply reply, Session.MappedOpen mapped) {
        FileDescription description = mapped.description();
        int[] state = {};
        try {
            if (reply.session().peer.uid() == description.uid()) {
                state = new int[] {descriptions.openState(description)};
            }
        } catch (ErrnoException e) {
            LOG.warn("the position of {}: {}", mapped.mapping().path(), e.describe());
        }
        reply.send(ControlProxy.openAttached(reply.correlationId(), mapped), state);
        for (int descriptor : state) {
            closeDescriptor(descriptor);
        }
    }

    private static void closeDescriptor(int descriptor) {
        try {
            Fd.close(descriptor);
        } catch (ErrnoException e) {
            LOG.warn("a descriptor was not closed cleanly: {}", e.describe());
        }
    }

    private static ErrnoException isAnother(Mapping mapping) {
        return new ErrnoException(
                Errno.ESTALE, mapping.path() + " is another image than the one that was opened");
    }

    /** Its client does not hear of the handle: it is closed as if it had closed it. */
    private void takeBack(Reply reply, Session.MappedOpen mapped, Throwable thrown) {
        Unexpected.log("the end of an open", thrown);
        Session session = reply.session();
        int handle = mapped.open().handle().handle();
        if (session.opens.remove(handle, mapped)) { // not where the session has ended meanwhile
            session.ledger.closed(handle);
            close(session, mapped, () -> session.giveBackHandle(handle));
        }
        reply.fail(Unexpected.failure(thrown));
    }

    /** Instead of installing it. */
    private void refuse(Reply reply, ImageOpen open, ErrnoException failure) {
        Session session = reply.session();
        ReopenRetry.onAnswer(session);
        reply.fail(failure);
        // last: where anything before has thrown, it is the image that takes the open back
        images.close(open, () -> giveBackHandle(session, open.handle().handle()));
    }

    private static ErrnoException lostChanges(Mapping mapping) {
        return new ErrnoException(
                Errno.EIO,
                "open "
                        + mapping.path()
                        + " again: the broker that ended had changes of it in its cache that were"
                        + " not flushed");
    }

    private void count(Mapping mapping, int change) {
        openCounts.merge(
                mapping.id(),
                change,
                (old, by) -> old + by == 0 ? null : Integer.valueOf(old + by));
    }

    /** How many opens there are through this mapping. */
    int openCount(Mapping mapping) {
        return openCounts.getOrDefault(mapping.id(), 0);
    }

    /** A mapping has gone from the map. */
    void onUnmapped(Mapping mapping) {
        if (map.findByRef(mapping.image()).isEmpty()) {
            lockFiles.forget(mapping.image());
        }
    }

    /** What programs have open through a mapping, for which some process has a descriptor. */
    List<FileDescription> descriptionsThrough(Mapping mapping) {
        return descriptions.through(mapping);
    }

    /**
     * Runs it when the image of a mapping that has gone is closed, so that who unmaps it can go on
     * with it by other means; at once where it is mapped in another way, too.
     */
    void whenLeft(Mapping mapping, Runnable then) {
        if (map.findByRef(mapping.image()).isEmpty()) {
            images.whenUnused(mapping.image(), then);
        } else {
            then.run();
        }
    }

    private Mapping findForOpen(Session session, Wanted wanted) throws ErrnoException {
        String path = wanted.path();
        boolean read = wanted.read();
        boolean write = wanted.write();
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
        if (wanted.description() != null) {
            return map.mappings().stream()
                    .filter(wanted.description()::isThrough)
                    .findAny()
                    .orElseThrow(
                            () ->
                                    new ErrnoException(
                                            Errno.ESTALE,
                                            ImageSpec.quote(path)
                                                    + " was unmapped since it was opened"));
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
