package org.rbdwrapper.client.session;

import org.rbdwrapper.client.io.Channels;
import org.rbdwrapper.client.io.LibraryThread;
import org.rbdwrapper.client.io.Link;
import org.rbdwrapper.client.io.LowMemory;
import org.rbdwrapper.client.io.Succession;
import org.rbdwrapper.ipc.Errno;
import org.rbdwrapper.ipc.ErrnoException;

import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.CountDownLatch;

/**
 * This process's sessions with a broker, made when they are first needed and kept for what follows:
 * one for threads that wait, one for who does not, with a longer queue and more room for data in
 * one channel, and one whose room for data is the program's. When their broker has gone, the next
 * open makes others.
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

    private static final long LOOK_NANOS = 100_000;
    private static final SessionTable SESSIONS = new SessionTable();
    private static final SessionTable QUEUES = new SessionTable();
    private static final SessionTable BUFFERS = new SessionTable();

    private final Wish wish;
    private final Succession succession;
    private final Channels channels;
    private final Set<OpenedImage> images = new HashSet<>(); // guarded by this
    private volatile BrokerConnection connection;
    private volatile boolean lost;

    BrokerSession(Wish wish, BrokerConnection first) {
        this.wish = wish;
        this.connection = first;
        this.succession = new Succession(first.link());
        this.channels = new Channels(succession, first.link());
        watch(first);
    }

    /** The session with the first broker of these run directories; see {@link FirstBroker}. */
    public static BrokerSession of(List<Path> runDirs) throws ErrnoException {
        Wish wish = new Wish(runDirs, CHANNELS, DEPTH, ARENA_LENGTH, 0);
        return FirstBroker.await(runDirs, () -> SESSIONS.session(wish), () -> {});
    }

    /** Likewise, for operations that nobody waits for; does not wait for a broker. */
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

    /** Whether it has given its broker up. */
    boolean isLost() {
        return lost;
    }

    /** Opens an image for a file that has it nowhere yet. */
    public OpenedImage open(String path, boolean read, boolean write) throws ErrnoException {
        FileState file = new FileState();
        while (true) {
            OpenedImage image = open(openConnection(), path, read, write, file);
            if (image != null) {
                return image;
            }
        }
    }

    /**
     * Opens what its path leads to now for the file of an image that is open in another session;
     * whether it is that image, who calls sees to. Null where there is no broker now.
     */
    OpenedImage openAlso(OpenedImage other) throws ErrnoException {
        return succession.isOpen()
                ? open(connection, other.path(), other.isRead(), other.isWrite(), other.state())
                : null;
    }

    /** Null where this one is gone. */
    private OpenedImage open(
            BrokerConnection on, String path, boolean read, boolean write, FileState file)
            throws ErrnoException {
        try {
            OpenedImage image = on.open(path, read, write, file);
            synchronized (this) {
                if (connection == on && !on.link().isDead()) {
                    images.add(image);
                    return image;
                }
            }
        } catch (ErrnoException e) {
            on.throwUnlessDead(e);
        }
        return null;
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
            on = connection;
            // a broker that has ended closed it, and the next one's handle of this number may be
            // another image's
            isThere = image.isHeld() && !on.link().isDead();
            image.closed();
        }
        if (isThere) {
            try {
                on.close(image);
            } catch (ErrnoException e) {
                on.throwUnlessDead(e);
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

    private void watch(BrokerConnection on) {
        on.onDeath(() -> LibraryThread.background("rbdw-reconnect", () -> replace(on)).start());
    }

    /** The broker is gone: waits for the next one, and goes on with it where this one has ended. */
    private void replace(BrokerConnection dead) {
        BrokerConnection last = dead;
        Reconnect reconnect = reconnect();
        // who was late stays so: the broker that said it may end before all have heard of it, and
        // the next one does not know what this session still has without an answer
        boolean late = false;
        boolean mayAllocate = wish.buffersLength() > 0;
        while (true) {
            succession.lose();
            awaitNobodyOn(last.link());
            BrokerConnection next;
            try {
                next = reconnect.after(last, late);
                late = next.link().isLate();
            } catch (ErrnoException e) {
                LowMemory.outlast(() -> giveUp(e));
                free(last, false);
                channels.onGivenUp();
                reconnect.tellOfEnd(last);
                return;
            }
            free(last, mayAllocate);
            mayAllocate = false; // before it is open
            last = next;
            CountDownLatch told = lookAtDeathOf(next);
            Runnable watch = watching(next);
            if (goOnWith(next)) {
                LowMemory.outlast(watch);
                return;
            }
            awaitTold(told);
        }
    }

    /** Made while another attempt can still be made. */
    private Runnable watching(BrokerConnection next) {
        while (true) {
            try {
                return () -> watch(next);
            } catch (OutOfMemoryError e) {
                LowMemory.pause();
            }
        }
    }

    private Reconnect reconnect() {
        while (true) {
            try {
                return new Reconnect(wish);
            } catch (OutOfMemoryError e) {
                LowMemory.pause();
            }
        }
    }

    /** Who waits for what was begun before this broker looks again when it dies. */
    private CountDownLatch lookAtDeathOf(BrokerConnection next) {
        while (true) {
            try {
                CountDownLatch told = new CountDownLatch(1);
                next.onDeath(
                        () -> {
                            succession.look();
                            told.countDown();
                        });
                return told;
            } catch (OutOfMemoryError e) {
                LowMemory.pause();
            }
        }
    }

    private void giveUp(ErrnoException why) {
        synchronized (this) {
            images.forEach(image -> image.lost(why)); // their files' other sessions may go on
        }
        lost = true;
        succession.giveUp(why);
    }

    /** Who tells of a broker's end touches its memory, to wake those who wait there. */
    private static void awaitTold(CountDownLatch told) {
        try {
            told.await();
        } catch (InterruptedException e) {
            throw new IllegalStateException("nobody interrupts this thread", e);
        }
    }

    /**
     * @param mayAllocate whether the program may yet have buffers made in its memory.
     */
    private void free(BrokerConnection dead, boolean mayAllocate) {
        dead.free();
        if (!mayAllocate) {
            channels.retireBuffers(dead.link());
        }
    }

    /**
     * False where that one is gone as well, or where the program has no memory now, and it is left.
     */
    private boolean goOnWith(BrokerConnection next) {
        try {
            reopenImages(next);
            succession.replay(next.link());
            next.replayDone();
            if (next.link().isDead()) {
                return false;
            }
            channels.onOpen(next.link());
        } catch (ErrnoException | OutOfMemoryError e) {
            LowMemory.outlast(next::end);
            return false;
        }
        succession.open(next.link());
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

    private void awaitNobodyOn(Link dead) {
        while (!channels.haveLeft(dead)) {
            Pause.nanos(LOOK_NANOS);
        }
    }
}
