package org.rbdwrapper.broker.messenger;

import org.agrona.concurrent.ManyToOneConcurrentLinkedQueue;
import org.rbdwrapper.broker.LogLimiter;
import org.rbdwrapper.broker.Unexpected;
import org.rbdwrapper.broker.store.ImageRef;
import org.rbdwrapper.broker.store.ImageStore;
import org.rbdwrapper.broker.store.ImageTuning;
import org.rbdwrapper.broker.store.StoreConnection;
import org.rbdwrapper.broker.store.StoreImage;
import org.rbdwrapper.ipc.ErrnoException;
import org.rbdwrapper.ipc.posix.Epoll;
import org.rbdwrapper.ipc.posix.EventFd;
import org.rbdwrapper.ipc.posix.Fd;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.io.IOException;
import java.lang.invoke.VarHandle;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * One thread and one connection to the store. The thread drains the request rings of its sessions
 * and submits; it sleeps in epoll when they are empty and each client was told so.
 *
 * <p>The thread owns the list of sessions and whatever of them is said to be the messenger's.
 * Others reach it by {@link #execute}. The connection belongs to the workers: {@link #connection}
 * blocks and is never called here.
 */
public final class Messenger implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Messenger.class);
    private static final long WAKE_TOKEN = -1;
    private static final int TURNS_PER_TIME = 64;

    private final int index;
    private final ImageStore store;
    private final Crowd crowd;
    private final Thread thread;
    private final ManyToOneConcurrentLinkedQueue<Runnable> tasks =
            new ManyToOneConcurrentLinkedQueue<>();
    private final List<SessionChannels> sessions = new ArrayList<>();
    private final MessengerCounters counters = new MessengerCounters(System.nanoTime());
    private final RequestLook look = new RequestLook(counters);
    private final Epoll epoll;
    private final int wakeFd;
    private final LogLimiter failureLog = new LogLimiter(10, 60_000_000_000L);
    private final Object connectionLock = new Object();
    private StoreConnection connection;
    private volatile int[] ioThreads = new int[0];
    private volatile ConnectionThreads connectionThreads = new ConnectionThreads(new int[0]);
    private long windowBegan = System.nanoTime();
    private int turnsInWindow;
    private volatile boolean parked;
    private volatile boolean running = true;

    Messenger(int index, ImageStore store, Crowd crowd) throws ErrnoException {
        this.index = index;
        this.store = store;
        this.crowd = crowd;
        this.epoll = new Epoll();
        this.wakeFd = makeWakeFd(epoll);
        this.thread = Thread.ofPlatform().name("messenger-" + index).unstarted(this::run);
    }

    /** The epoll is closed where it cannot be made. */
    private static int makeWakeFd(Epoll epoll) throws ErrnoException {
        int fd = -1;
        try {
            fd = EventFd.create();
            epoll.add(fd, Epoll.IN | Epoll.EDGE, WAKE_TOKEN);
            return fd;
        } catch (ErrnoException e) {
            if (fd >= 0) {
                Fd.close(fd);
            }
            epoll.close();
            throw e;
        }
    }

    /**
     * @throws OutOfMemoryError where there can be no more threads; {@link #closeUnstarted} is what
     *     is left to do.
     */
    void start() {
        thread.start();
    }

    void closeUnstarted() throws ErrnoException {
        epoll.close();
        Fd.close(wakeFd);
    }

    /** 0, 1, 2 and so on in the order of their making. */
    public int index() {
        return index;
    }

    /**
     * Any thread: runs a task on the messenger's thread, in the order of the calls. The task must
     * be short and may not block.
     */
    public void execute(Runnable task) {
        tasks.add(task);
        VarHandle.fullFence();
        if (parked) {
            EventFd.ring(wakeFd);
        }
    }

    /** Any thread but the messenger's: from now on the session's rings are drained. */
    public void attach(SessionChannels session) {
        execute(
                () -> {
                    try {
                        epoll.add(session.doorbellFd(), Epoll.IN | Epoll.EDGE, 0);
                        session.wakeBy(() -> execute(() -> {})); // its turn comes of itself
                        sessions.add(session);
                    } catch (ErrnoException e) {
                        session.fail("its doorbell cannot be watched: " + e.describe());
                    }
                });
    }

    /**
     * Any thread but the messenger's: the session's rings are not looked at any more.
     *
     * @param done called on the messenger's thread.
     */
    public void detach(SessionChannels session, Runnable done) {
        execute(
                () -> {
                    if (sessions.remove(session)) {
                        session.stop();
                        try {
                            epoll.remove(session.doorbellFd());
                        } catch (ErrnoException e) {
                            LOG.error(
                                    "doorbell of session {} cannot be removed: {}",
                                    session,
                                    e.describe());
                        }
                    }
                    done.run();
                });
    }

    /** Any thread; reads files of /proc, and so is for now and then. */
    MessengerSample sample() {
        List<ThreadTime> threads = new ArrayList<>();
        for (int thread : ioThreads) {
            try {
                threads.add(ThreadTime.read(thread));
            } catch (IOException e) {
                LOG.debug("thread {} of messenger-{}: {}", thread, index, e.toString());
            }
        }
        return new MessengerSample(index, counters.read(), threads);
    }

    /** Worker: the messenger's connection, made when it is first asked for. Blocks. */
    public StoreConnection connection() throws ErrnoException {
        synchronized (connectionLock) {
            if (connection == null) {
                connection = store.connect("messenger-" + index);
                followIoThreads();
            }
            return connection;
        }
    }

    /** Worker: opens an image on the messenger's connection. Blocks. */
    public StoreImage open(ImageRef image, boolean readOnly, ImageTuning tuning)
            throws ErrnoException {
        StoreImage opened = connection().open(image, readOnly, tuning);
        synchronized (connectionLock) {
            followIoThreads(); // others, where the store has connected anew
        }
        return opened;
    }

    private void followIoThreads() {
        int[] now = connection.ioThreads();
        if (!Arrays.equals(now, ioThreads)) {
            ioThreads = now;
            connectionThreads = new ConnectionThreads(now);
        }
    }

    /**
     * Ends the thread, then the connection; its sessions are detached and its images closed.
     * Blocks.
     */
    @Override
    public void close() throws ErrnoException {
        running = false;
        EventFd.ring(wakeFd);
        try {
            thread.join();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        synchronized (connectionLock) {
            if (connection != null) {
                connection.close();
            }
        }
        epoll.close();
        Fd.close(wakeFd);
    }

    private void run() {
        while (running) {
            try {
                if (doWork() > 0) {
                    look.onWork();
                } else if (look.isOn() ? look.again() : look.begin(waitsForOne())) {
                    Thread.onSpinWait();
                } else {
                    park();
                }
            } catch (RuntimeException | Error e) {
                // one bad task must not take the other sessions' I/O with it
                failureLog.run(() -> LOG.error("messenger-{} goes on after", index, e));
            }
        }
        runTasks();
    }

    private int doWork() {
        int tasksDone = runTasks();
        int requests = 0;
        for (int i = 0, n = sessions.size(); i < n; i++) {
            requests += drain(sessions.get(i));
        }
        if (requests > 0) {
            counters.onTurn();
            countClients();
            place(requests);
        }
        return tasksDone + requests;
    }

    /** What fails in one session ends that, and keeps no other from its turn. */
    private int drain(SessionChannels session) {
        try {
            return session.drain(look, counters);
        } catch (RuntimeException | Error e) {
            Unexpected.log("the requests of session " + session, e);
            session.fail("internal error, see above: " + e);
            return 0;
        }
    }

    /** Now and then: who is at work, and whether that is a crowd. */
    private void countClients() {
        // who always has work never waits, and so does not read the clock
        long now = ++turnsInWindow % TURNS_PER_TIME == 0 ? System.nanoTime() : look.lastTime();
        long took = now - windowBegan;
        if (took < Crowd.WINDOW_NANOS) {
            return;
        }
        windowBegan = now;
        turnsInWindow = 0;
        long busyRequests = Crowd.BUSY_REQUESTS * took / Crowd.WINDOW_NANOS;
        int busy = 0;
        int n = sessions.size();
        for (int i = 0; i < n; i++) {
            busy += sessions.get(i).takeRequests() >= busyRequests ? 1 : 0;
        }
        boolean isCrowd = crowd.tell(index, busy, now);
        look.onCrowd(isCrowd);
        for (int i = 0; i < n; i++) {
            sessions.get(i).tellCrowd(isCrowd);
        }
    }

    /** After so many were submitted. */
    private void place(int requests) {
        ConnectionThreads threads = connectionThreads;
        if (!threads.isUsable()) {
            return;
        }
        if (requests == 1 && waitsForOne() && !look.isCrowd()) {
            threads.onAlone(look.looksLong());
        } else {
            threads.onCrowd();
        }
    }

    /** Whether there is no more than one request under way, so that its client waits for it. */
    private boolean waitsForOne() {
        long inFlight = 0;
        for (int i = 0, n = sessions.size(); i < n && inFlight <= 1; i++) {
            inFlight += sessions.get(i).inFlight();
        }
        return inFlight <= 1;
    }

    private int runTasks() {
        int done = 0;
        Runnable task;
        while ((task = tasks.poll()) != null) {
            task.run();
            done++;
        }
        return done;
    }

    private void park() {
        parked = true;
        int n = sessions.size();
        for (int i = 0; i < n; i++) {
            sessions.get(i).doorbell().announceParked();
        }
        VarHandle.fullFence();
        if (running && !hasWork()) {
            epoll.await(-1);
        }
        parked = false;
        for (int i = 0; i < n; i++) {
            sessions.get(i).doorbell().announceAwake();
        }
    }

    private boolean hasWork() {
        if (!tasks.isEmpty()) {
            return true;
        }
        for (int i = 0, n = sessions.size(); i < n; i++) {
            if (sessions.get(i).hasWork()) {
                return true;
            }
        }
        return false;
    }
}
