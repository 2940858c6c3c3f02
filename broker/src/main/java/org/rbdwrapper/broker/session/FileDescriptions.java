package org.rbdwrapper.broker.session;

import org.rbdwrapper.broker.CallOrigin;
import org.rbdwrapper.broker.Lane;
import org.rbdwrapper.broker.Workers;
import org.rbdwrapper.broker.map.Mapping;
import org.rbdwrapper.ipc.Errno;
import org.rbdwrapper.ipc.ErrnoException;
import org.rbdwrapper.ipc.posix.Fd;
import org.rbdwrapper.ipc.posix.Inode;
import org.rbdwrapper.ipc.posix.Inotify;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.Consumer;

/**
 * The open file descriptions that programs' descriptors stand for. A description lives from an open
 * to the close of its last descriptor, in whatever process that is: over fork and exec, on the way
 * through a socket, and while no process of it has a session here.
 *
 * <pre>
 *   program           kernel                                     broker
 *   descriptor 3 ──┐
 *   descriptor 7 ──┼─ O_PATH ── inode of a socket's name,  ◀── inotify: gone with the last descriptor
 *   a child's 0  ──┘            which has been removed         by device and inode: FileDescription
 * </pre>
 *
 * <p>Who sends such a descriptor has it, so that is proof enough; one that somebody has made
 * himself leads to an inode that is not known here.
 *
 * <p>Where the host gives no watch (its limit of inotify), a description ends with the last handle
 * that was opened by it.
 *
 * <p>Conductor's thread; the files are written by the thread that notes sessions.
 */
public final class FileDescriptions {
    private static final Logger LOG = LoggerFactory.getLogger(FileDescriptions.class);
    private static final int NO_WATCH = -1;

    /** How long a description of the broker before is kept that no process has shown here. */
    static final long UNSEEN_LIMIT_NANOS = ReturnGrace.HIDDEN_LIMIT_NANOS;

    private final Map<Key, Known> byInode = new HashMap<>();
    private final Map<Integer, Known> byWatch = new HashMap<>();
    private final FileDescriptionFiles files;
    private final Workers workers;
    private final SessionLimits limits;
    private final Inotify inotify;
    private final long unseenUntilNanos;
    private boolean hasUnseen;

    private record Key(long device, long number) {
        static Key of(Inode inode) {
            return new Key(inode.device(), inode.number());
        }
    }

    /** What is known of one. */
    private static final class Known {
        final FileDescription description;
        int watch = NO_WATCH;
        int handles;

        /** A process has shown its descriptor to this broker. */
        boolean isSeen;

        Known(FileDescription description) {
            this.description = description;
        }
    }

    /** A description that is new, with its two descriptors, the caller's to close. */
    record Made(FileDescription description, int placeholder, int state) {}

    private record Files(FileDescription description, int placeholder, int watch) {}

    /**
     * @param keep those of the broker before, as some of its clients are there.
     */
    FileDescriptions(
            Path runDir, boolean keep, Workers workers, SessionLimits limits, long nowNanos)
            throws ErrnoException {
        this.files = new FileDescriptionFiles(runDir);
        this.workers = workers;
        this.limits = limits;
        this.inotify = makeInotify();
        this.unseenUntilNanos = nowNanos + UNSEEN_LIMIT_NANOS;
        if (!keep) {
            files.removeAll();
        }
        for (FileDescription description : files.load()) {
            byInode.put(Key.of(description.inode()), new Known(description));
            hasUnseen = true;
        }
    }

    private static Inotify makeInotify() {
        try {
            return new Inotify();
        } catch (ErrnoException e) {
            LOG.warn(
                    "descriptors of images that processes inherit are not followed ({}): raise"
                            + " fs.inotify.max_user_instances",
                    e.describe());
            return null;
        }
    }

    /** Of a broker that has ended and whose clients have. */
    public static void removeUnlessAwaited(Path runDir) throws ErrnoException {
        if (!SessionRoster.isAnyNoted(runDir)) {
            new FileDescriptionFiles(runDir).removeAll();
        }
    }

    /** Readable when {@link #look} has something to do; -1: never. */
    int descriptor() {
        return inotify == null ? -1 : inotify.descriptor();
    }

    /**
     * Makes one for an open of a session.
     *
     * @param onMade with what is then the caller's.
     */
    void make(
            Session session,
            Session.MappedOpen mapped,
            FileDescription.Part part,
            Consumer<Made> onMade,
            Consumer<ErrnoException> onFailed) {
        int uid = session.peer.uid();
        try {
            limits.take(uid, Resource.DESCRIPTIONS, 1);
        } catch (ErrnoException e) {
            onFailed.accept(e);
            return;
        }
        String opener = session.describe();
        workers.call(
                new CallOrigin(Lane.NOTES, uid, "making the files of an open of " + opener),
                () -> makeFiles(mapped, part, uid, opener),
                made -> {
                    int state;
                    Known known = put(made.description(), made.watch());
                    known.isSeen = true;
                    try {
                        state = files.openState(made.description());
                    } catch (ErrnoException e) {
                        close(made.placeholder());
                        end(known);
                        onFailed.accept(e);
                        return;
                    }
                    onMade.accept(new Made(made.description(), made.placeholder(), state));
                },
                failure -> {
                    limits.giveBack(uid, Resource.DESCRIPTIONS, 1);
                    onFailed.accept(failure);
                });
    }

    /** Worker. */
    private Files makeFiles(
            Session.MappedOpen mapped, FileDescription.Part part, int uid, String opener)
            throws ErrnoException {
        int placeholder = files.makePlaceholder();
        try {
            FileDescription description =
                    new FileDescription(
                            ThreadLocalRandom.current().nextLong(),
                            Inode.of(placeholder),
                            mapped.mapping().mappedAtNanos(),
                            mapped.open().image().imageId(),
                            mapped.open().handle().readable(),
                            mapped.open().handle().writable(),
                            part,
                            uid,
                            opener);
            int watch = watch(placeholder);
            files.add(description);
            return new Files(description, placeholder, watch);
        } catch (ErrnoException e) {
            close(placeholder);
            throw e;
        }
    }

    private int watch(int placeholder) {
        if (inotify == null) {
            return NO_WATCH;
        }
        try {
            return inotify.watch(placeholder);
        } catch (ErrnoException e) {
            LOG.debug("an open file is not followed: {}", e.describe());
            return NO_WATCH;
        }
    }

    /**
     * What a descriptor stands for.
     *
     * @throws ErrnoException EBADF: for nothing of this broker's.
     */
    FileDescription find(int placeholder) throws ErrnoException {
        Inode inode = Inode.of(placeholder);
        Known known = byInode.get(Key.of(inode));
        if (known == null || !known.description.inode().equals(inode)) {
            throw new ErrnoException(
                    Errno.EBADF, "the descriptor is of no image that was opened by this broker");
        }
        if (!known.isSeen) {
            known.isSeen = true;
            watched(known, watch(placeholder));
            // counted without being asked for: it was, with the broker before
            limits.takeAnyway(known.description.uid(), Resource.DESCRIPTIONS, 1);
        }
        return known.description;
    }

    /** The memory of its position; the caller's. */
    int openState(FileDescription description) throws ErrnoException {
        return files.openState(description);
    }

    /** A handle was opened by it. */
    void attached(FileDescription description) {
        Known known = known(description);
        if (known != null) {
            known.handles++;
        }
    }

    /** That handle is closed. */
    void detached(FileDescription description) {
        Known known = known(description);
        if (known != null && --known.handles == 0 && known.watch == NO_WATCH) {
            end(known);
        }
    }

    /**
     * Those whose descriptors some process has; what was closed before this call is not among them.
     */
    List<FileDescription> through(Mapping mapping) {
        look();
        return byInode.values().stream()
                .filter(known -> known.isSeen && known.description.isThrough(mapping))
                .map(known -> known.description)
                .toList();
    }

    /** Forgets those whose last descriptor was closed. */
    void look() {
        if (inotify != null && !inotify.read(this::onGone)) {
            try {
                Set<Integer> live = inotify.live();
                List<Integer> gone = new ArrayList<>(byWatch.keySet());
                gone.removeAll(live);
                gone.forEach(this::onGone);
            } catch (IOException e) {
                LOG.warn("which images are open by inherited descriptors is not known: {}", e);
            }
        }
    }

    /** Now and then. */
    void look(long nowNanos) {
        if (hasUnseen && nowNanos - unseenUntilNanos >= 0) {
            hasUnseen = false;
            for (Known known : List.copyOf(byInode.values())) {
                if (!known.isSeen) {
                    end(known);
                }
            }
        }
    }

    void close() throws ErrnoException {
        if (inotify != null) {
            inotify.close();
        }
    }

    /** Null where it has ended. */
    private Known known(FileDescription description) {
        Known known = byInode.get(Key.of(description.inode()));
        return known != null && known.description.id() == description.id() ? known : null;
    }

    private Known put(FileDescription description, int watch) {
        Known before = byInode.get(Key.of(description.inode()));
        if (before != null) {
            end(before); // its inode was given away again before its end was heard of
        }
        Known known = new Known(description);
        byInode.put(Key.of(description.inode()), known);
        watched(known, watch);
        return known;
    }

    private void watched(Known known, int watch) {
        known.watch = watch;
        if (watch != NO_WATCH) {
            byWatch.put(watch, known);
        }
    }

    private void onGone(int watch) {
        Known known = byWatch.get(watch);
        if (known != null) {
            end(known);
        }
    }

    private void end(Known known) {
        if (!byInode.remove(Key.of(known.description.inode()), known)) {
            return;
        }
        byWatch.remove(known.watch, known);
        if (known.isSeen) {
            limits.giveBack(known.description.uid(), Resource.DESCRIPTIONS, 1);
        }
        FileDescription ended = known.description;
        workers.call(
                new CallOrigin(Lane.NOTES, ended.uid(), "removing the files of an open"),
                () -> {
                    files.remove(ended);
                    return ended;
                },
                removed -> {},
                failure -> LOG.warn("{}", failure.describe()));
    }

    private static void close(int descriptor) {
        try {
            Fd.close(descriptor);
        } catch (ErrnoException e) {
            LOG.warn("a descriptor was not closed cleanly: {}", e.describe());
        }
    }
}
