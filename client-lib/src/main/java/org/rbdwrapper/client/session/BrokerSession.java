package org.rbdwrapper.client.session;

import org.rbdwrapper.client.io.Channels;
import org.rbdwrapper.client.io.LibraryThread;
import org.rbdwrapper.client.io.Succession;
import org.rbdwrapper.ipc.Errno;
import org.rbdwrapper.ipc.ErrnoException;

import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.OptionalLong;
import java.util.Set;

/**
 * This process's sessions with a broker, made when they are first needed and kept for what follows:
 * one for threads that wait, one for who does not, with a longer queue and more room for data in
 * one channel, and one whose room for data is the program's. One ends when it was of no use for
 * some seconds, or has given its broker up; the next open makes another.
 *
 * <p>Any thread.
 */
public final class BrokerSession {
    /** One shared and four leased: more threads than that wait together for the shared one. */
    private static final int CHANNELS = 5;

    private static final int DEPTH = 64;
    private static final int ARENA_LENGTH = 1024 * 1024;
    private static final int QUEUE_DEPTH = 256;
    private static final int QUEUE_ARENA_LENGTH = 4 * 1024 * 1024;
    private static final int BUFFERS_LENGTH = 16 * 1024 * 1024;

    /**
     * Beside them: at least a quarter. A broker lets who returns make four requests for each that
     * it had (ReturnGrace.REQUESTS_A_TAG), and pieces are a quarter of either part
     * (AsyncChannel.bind), of the one when they were begun, of the other when they are begun again.
     */
    private static final int COPIES_LENGTH = QUEUE_ARENA_LENGTH;

    /** With nothing open: programs often open the next file at once, and have to connect then. */
    private static final long IDLE_NANOS = 5_000_000_000L;

    private static final SessionTable SESSIONS = new SessionTable();
    private static final SessionTable QUEUES = new SessionTable();
    private static final SessionTable BUFFERS = new SessionTable();

    private final Wish wish;
    private final Succession succession;
    private final Channels channels;
    private final Set<OpenedImage> images = new HashSet<>(); // guarded by this
    private int opening; // guarded by this, as what follows
    private long idleSince;
    private boolean watchesIdle;
    private boolean missed;
    private volatile BrokerConnection connection;
    private volatile boolean over;

    BrokerSession(Wish wish, BrokerConnection first) {
        this.wish = wish;
        this.connection = first;
        this.succession = new Succession(first.link());
        this.channels = new Channels(succession, first.link());
        Replacement.whenGone(this, first);
    }

    /**
     * The session with the first broker of these run directories; see {@link FirstBroker}. {@link
     * #open} follows: it does not end before that.
     */
    public static BrokerSession of(List<Path> runDirs) throws ErrnoException {
        Wish wish = new Wish(runDirs, CHANNELS, DEPTH, ARENA_LENGTH, 0);
        return FirstBroker.await(runDirs, () -> SESSIONS.session(wish), () -> {});
    }

    /**
     * Likewise, for operations that nobody waits for; does not wait for a broker. {@link #openAlso}
     * follows.
     */
    public static BrokerSession queueOf(List<Path> runDirs) throws ErrnoException {
        return QUEUES.session(new Wish(runDirs, 1, QUEUE_DEPTH, QUEUE_ARENA_LENGTH, 0));
    }

    /** Likewise, for data that lies in the session's memory already. */
    public static BrokerSession buffersOf(List<Path> runDirs) throws ErrnoException {
        int arenaLength = BUFFERS_LENGTH + COPIES_LENGTH;
        return BUFFERS.session(new Wish(runDirs, 1, QUEUE_DEPTH, arenaLength, BUFFERS_LENGTH));
    }

    public Channels channels() {
        return channels;
    }

    /** Whether it has ended: nothing was open for a while, or no broker came any more. */
    boolean isOver() {
        return over;
    }

    /**
     * Somebody is about to open an image.
     *
     * @return false where it is over.
     */
    synchronized boolean beginOpening() {
        if (over) {
            return false;
        }
        opening++;
        return true;
    }

    /**
     * Whether its last broker has ended with something open that nobody will come back for, which
     * the next one takes to be in use until it is told of the session's end.
     */
    synchronized boolean isMissed() {
        return missed;
    }

    private synchronized void endOpening() {
        opening--;
        onLessUse();
    }

    /** Under the lock. */
    private void onLessUse() {
        idleSince = System.nanoTime();
        if (watchesIdle || !isIdle()) {
            return;
        }
        try {
            LibraryThread.background("rbdw-idle", this::endWhenIdle).start();
            watchesIdle = true;
        } catch (OutOfMemoryError e) { // or there can be no more threads
            watchesIdle = false; // it ends when it is idle the next time
        }
    }

    private boolean isIdle() {
        return opening == 0 && images.isEmpty();
    }

    /** On a thread of its own, which there is as long as nothing is open. */
    private void endWhenIdle() {
        long left = IDLE_NANOS;
        while (left > 0) {
            Pause.nanos(left);
            synchronized (this) {
                watchesIdle = isIdle() && !over;
                if (!watchesIdle) {
                    return;
                }
                left = idleSince + IDLE_NANOS - System.nanoTime();
                if (left <= 0 && channels.buffers().isUsed()) {
                    left = IDLE_NANOS; // the next file's operations may need no copy there
                }
                over = left <= 0;
            }
        }
        connection.endWhateverMemory(); // and its Replacement sees that it is over
    }

    /** Opens an image for a file that has it nowhere yet. */
    public OpenedImage open(String path, boolean read, boolean write) throws ErrnoException {
        try {
            FileState file = new FileState();
            while (true) {
                OpenedImage image = open(openConnection(), path, read, write, file);
                if (image != null) {
                    return image;
                }
            }
        } finally {
            endOpening();
        }
    }

    /**
     * Opens what its path leads to now for the file of an image that is open in another session;
     * whether it is that image, who calls sees to. Null where there is no broker now.
     */
    OpenedImage openAlso(OpenedImage other) throws ErrnoException {
        try {
            return succession.isOpen()
                    ? open(connection, other.path(), other.isRead(), other.isWrite(), other.state())
                    : null;
        } finally {
            endOpening();
        }
    }

    /** Null where this one is gone. */
    private OpenedImage open(
            BrokerConnection on, String path, boolean read, boolean write, FileState file)
            throws ErrnoException {
        try {
            OpenedImage image = on.open(path, read, write, file);
            if (add(image, on)) {
                return image;
            }
        } catch (ErrnoException e) {
            on.throwUnlessDead(e);
        }
        return null;
    }

    /** False where that one is gone. */
    private boolean add(OpenedImage image, BrokerConnection on) throws ErrnoException {
        try {
            synchronized (this) {
                return connection == on && !on.link().isDead() && images.add(image);
            }
        } catch (Error e) { // nobody would close it
            on.closeWhateverMemory(image);
            throw e;
        }
    }

    /**
     * Nanoseconds since the epoch, when what it is open through was mapped, which tells that from
     * all other mappings that there were; empty where there is no broker now.
     *
     * @throws ErrnoException ESHUTDOWN where that was unmapped by force.
     */
    OptionalLong mappedAt(OpenedImage image) throws ErrnoException {
        BrokerConnection on = connection;
        if (succession.isOpen()) {
            image.checkNotLost();
            try {
                return OptionalLong.of(on.stat(image).mappedAtNanos());
            } catch (ErrnoException e) {
                on.throwUnlessDead(e);
            }
        }
        return OptionalLong.empty();
    }

    /**
     * Returns when the image's operations are done and the broker has closed it. The request to
     * close goes another way than theirs and could overtake them: it is not made before they have
     * their answers, from the next broker where this one ends.
     */
    public void close(OpenedImage image) throws ErrnoException {
        image.gate().close();
        channels.awaitIdle(image);
        BrokerConnection on;
        boolean isThere;
        synchronized (this) {
            images.remove(image);
            onLessUse();
            on = connection;
            // a broker that has ended closed it, and the next one's handle of this number may be
            // another image's
            isThere = image.isHeld() && !on.link().isDead();
            missed |= image.isHeld() && !isThere;
            image.closed();
        }
        if (isThere) {
            try {
                on.closeWhateverMemory(image);
            } catch (ErrnoException e) {
                on.throwUnlessDeadWhateverMemory(e);
            }
        }
    }

    /** Bytes, as the broker knows it now. */
    public long size(OpenedImage image) throws ErrnoException {
        while (true) {
            BrokerConnection on = openConnection();
            Errno failure = image.failure();
            if (failure != null) {
                throw new ErrnoException(failure, "size of " + image.path());
            }
            try {
                return on.stat(image).size();
            } catch (ErrnoException e) {
                on.throwUnlessDead(e);
            }
        }
    }

    private BrokerConnection openConnection() throws ErrnoException {
        succession.awaitOpen();
        return connection;
    }

    Wish wish() {
        return wish;
    }

    Succession succession() {
        return succession;
    }

    /** No broker came: all that is open here is lost. */
    void giveUp(ErrnoException why) {
        synchronized (this) {
            for (OpenedImage image : images) { // their files' other sessions may go on
                missed |= image.isHeld();
                image.lost(why);
            }
        }
        over = true;
        succession.giveUp(why);
    }

    /**
     * Has the next broker open what was open, and what had no answer made again. {@link
     * Succession#open} follows.
     *
     * @return false where that broker has gone meanwhile.
     */
    boolean resume(BrokerConnection next) throws ErrnoException {
        reopenImages(next);
        succession.replay(next.link());
        next.replayDone();
        synchronized (this) { // who closes a file when it is dead says so here
            if (next.link().isDead()) {
                return false;
            }
            missed = false; // it was asked to open what is open
        }
        return true;
    }

    /** A store may take its time for it: who closes an idle image meanwhile does not wait. */
    private void reopenImages(BrokerConnection next) throws ErrnoException {
        List<OpenedImage> before;
        synchronized (this) {
            before = List.copyOf(images);
        }
        Set<OpenedImage> opened = new HashSet<>();
        for (OpenedImage image : before) {
            Errno failure = image.failure();
            if (failure != null) {
                image.notReopened(failure);
            } else if (next.reopen(image)) {
                opened.add(image);
            }
        }
        synchronized (this) {
            opened.removeAll(images); // no others have come: there was no broker to open them
            connection = next;
        }
        for (OpenedImage closed : opened) {
            next.closeReopened(closed);
        }
    }
}
