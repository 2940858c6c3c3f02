package org.rbdwrapper.broker.session;

import org.rbdwrapper.broker.Workers;
import org.rbdwrapper.broker.map.ImageMap;
import org.rbdwrapper.broker.map.Mapping;
import org.rbdwrapper.broker.store.StoreConnection;
import org.rbdwrapper.ipc.Errno;
import org.rbdwrapper.ipc.ErrnoException;

/**
 * What is asked of images that are mapped or open: their size, their lock file, the counter of
 * their changes. Conductor's thread.
 */
final class StatHandler {
    private final ImageMap map;
    private final StoreConnection administration;
    private final Workers workers;
    private final LockFiles lockFiles;

    StatHandler(
            ImageMap map, StoreConnection administration, Workers workers, LockFiles lockFiles) {
        this.map = map;
        this.administration = administration;
        this.workers = workers;
        this.lockFiles = lockFiles;
    }

    void onStatHandle(Reply reply, int handle) {
        try {
            Session.MappedOpen mapped = findOpen(reply.session(), handle, "stat");
            reply.send(
                    ControlProxy.imageStat(
                            reply.correlationId(),
                            mapped.mapping(),
                            mapped.open().image().size(),
                            mapped.open().image().objectSize()));
        } catch (ErrnoException e) {
            reply.fail(e);
        }
    }

    /** Whoever has it open may lock it: what may be locked for what, its own kernel sees to. */
    void onOpenLockFile(Reply reply, int handle) {
        try {
            Session.MappedOpen mapped = findOpen(reply.session(), handle, "locking");
            int descriptor = lockFiles.descriptorOf(mapped.mapping().spec());
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
        workers.call(
                () -> administration.describe(mapping.spec()),
                details ->
                        reply.send(
                                ControlProxy.imageStat(
                                        reply.correlationId(),
                                        mapping,
                                        details.size(),
                                        details.objectSize())),
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
