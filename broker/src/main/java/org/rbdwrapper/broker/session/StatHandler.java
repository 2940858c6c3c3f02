package org.rbdwrapper.broker.session;

import org.rbdwrapper.broker.Lane;
import org.rbdwrapper.broker.Workers;
import org.rbdwrapper.broker.map.ImageMap;
import org.rbdwrapper.broker.map.Mapping;
import org.rbdwrapper.broker.map.Permissions;
import org.rbdwrapper.broker.store.StoreConnection;
import org.rbdwrapper.ipc.Errno;
import org.rbdwrapper.ipc.ErrnoException;
import org.rbdwrapper.ipc.posix.FileTimes;

/**
 * What is asked of images that are mapped or open: their size and times, their lock file, the
 * counter of their changes. Conductor's thread.
 */
final class StatHandler {
    private final ImageMap map;
    private final Permissions permissions;
    private final StoreConnection administration;
    private final ImageInquiries inquiries;
    private final Workers workers;
    private final LockFiles lockFiles;

    StatHandler(
            ImageMap map,
            Permissions permissions,
            StoreConnection administration,
            ImageInquiries inquiries,
            Workers workers,
            LockFiles lockFiles) {
        this.inquiries = inquiries;
        this.map = map;
        this.permissions = permissions;
        this.administration = administration;
        this.workers = workers;
        this.lockFiles = lockFiles;
    }

    void onStatHandle(Reply reply, int handle) {
        try {
            Session.MappedOpen mapped = findOpen(reply.session(), handle, "stat");
            answer(reply, mapped.mapping(), ImageFacts.of(mapped.open().image()));
        } catch (ErrnoException e) {
            reply.fail(e);
        }
    }

    private static void answer(Reply reply, Mapping mapping, ImageFacts facts) {
        reply.send(ControlProxy.imageStat(reply.correlationId(), mapping, facts));
    }

    /** Whoever has it open may lock it: what may be locked for what, its own kernel sees to. */
    void onOpenLockFile(Reply reply, int handle) {
        try {
            Session.MappedOpen mapped = findOpen(reply.session(), handle, "locking");
            int descriptor = lockFiles.descriptorOf(mapped.mapping().image());
            reply.send(ControlProxy.lockFileOpened(reply.correlationId()), descriptor);
        } catch (ErrnoException e) {
            reply.fail(e);
        }
    }

    void onWatchChanges(Reply reply, int handle) {
        try {
            Session.MappedOpen mapped = findOpen(reply.session(), handle, "watching changes");
            reply.send(
                    ControlProxy.changesWatched(reply.correlationId()),
                    mapped.open().changes().memory());
        } catch (ErrnoException e) {
            reply.fail(e);
        }
    }

    /** As stat(2): whoever may connect may ask. */
    void onStatPath(Reply reply, String path) {
        Mapping mapping;
        try {
            mapping = map.atPath(path);
        } catch (ErrnoException e) {
            reply.fail(e);
            return;
        }
        inquiries.ask(
                mapping.image(),
                reply.session().peer.uid(),
                facts -> answer(reply, mapping, facts),
                reply::fail);
    }

    void onSetTimesOfHandle(Reply reply, int handle, long accessed, long modified) {
        try {
            Mapping mapping = findOpen(reply.session(), handle, "setting times").mapping();
            setTimes(reply, mapping, accessed, modified);
        } catch (ErrnoException e) {
            reply.fail(e);
        }
    }

    void onSetTimesOfPath(Reply reply, String path, long accessed, long modified) {
        try {
            setTimes(reply, map.atPath(path), accessed, modified);
        } catch (ErrnoException e) {
            reply.fail(e);
        }
    }

    /**
     * As the kernel decides for a file: times that somebody chooses are the owner's to set, and who
     * may write may say that it was now.
     */
    private void setTimes(Reply reply, Mapping mapping, long accessed, long modified)
            throws ErrnoException {
        String what = "setting times of " + mapping.path();
        Session session = reply.session();
        int uid = session.peer.uid();
        boolean isNow = accessed == FileTimes.NOW && modified == FileTimes.NOW;
        if (mapping.readOnly()) {
            throw new ErrnoException(Errno.EROFS, what + ": it is mapped read-only");
        }
        if (uid != 0
                && uid != mapping.ownerUid()
                && !(isNow && permissions.mayOpen(mapping, uid, session.gids, false, true))) {
            throw new ErrnoException(
                    isNow ? Errno.EACCES : Errno.EPERM,
                    what + " for uid " + uid + ": they are its owner's to set");
        }
        workers.call(
                reply.origin(Lane.ofPool(mapping.spec().pool()), what),
                () -> {
                    administration.setTimes(mapping.image(), accessed, modified);
                    return mapping;
                },
                done -> reply.done(),
                reply::fail);
    }

    private static Session.MappedOpen findOpen(Session session, int handle, String what)
            throws ErrnoException {
        Session.MappedOpen mapped = session.opens.get(handle);
        if (mapped == null || mapped.revoked()) {
            throw new ErrnoException(
                    mapped == null ? Errno.EBADF : Errno.ESHUTDOWN,
                    what + " of handle " + Integer.toUnsignedString(handle));
        }
        return mapped;
    }
}
