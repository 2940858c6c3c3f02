package org.rbdwrapper.broker.messenger;

import org.agrona.concurrent.ManyToOneConcurrentLinkedQueue;
import org.rbdwrapper.broker.LogLimiter;
import org.rbdwrapper.broker.Unexpected;
import org.rbdwrapper.broker.store.ImageRef;
import org.rbdwrapper.broker.store.ImageStore;
import org.rbdwrapper.broker.store.ImageTuning;
import org.rbdwrapper.broker.store.StoreConnection;
import org.rbdwrapper.broker.store.StoreImage;
import org.rbdwrapper.broker.watch.TurnCounter;
import org.rbdwrapper.broker.watch.Watchdog;
import org.rbdwrapper.ipc.ErrnoException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.io.IOException;
import java.lang.invoke.VarHandle;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Consumer;

/**
 * One thread and one connection to the store. The thread drains the request rings of its active
 * sessions and submits; it sleeps in epoll when they are empty and each client was told so. What
 * else is connected costs it nothing: see {@link ActiveSessions}.
 *
 * <p>The thread owns the list of sessions and whatever of them is said to be the messenger's.
 * Others reach it by {@link #execute}. The connection belongs to the workers: {@link #connection}
 * blocks and is never called here.
 */
public final class Messenger implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Messenger.class);
    private static final int TURNS_PER_TIME = 64;

    /**
     * How much is done between two looks at the doorbells of sessions at rest, while others keep
     * the messenger from sleeping, in turns that find nothing: some tens of microseconds. Each look
     * is a system call.
     */
    private static final int WORK_PER_POLL = 128;

    /** What a request takes, in turns that find nothing, or a little more. */
    private static final int WORK_PER_REQUEST = 4;

    /** Each is a look at all channels of a session. */
    private static final int RINGS_PER_TURN = 16;

    private final int index;
    private final ImageStore store;
    private final Thread thread;
    private final ManyToOneConcurrentLinkedQueue<Runnable> tasks =
            new ManyToOneConcurrentLinkedQueue<>();
    private final Doorbells doorbells;
    private final ActiveSessions sessions = new ActiveSessions(System.nanoTime());
    private final SessionsUnderWay underWay = new SessionsUnderWay();
    private final BusyClients busyClients;
    private final MessengerCounters counters = new MessengerCounters(System.nanoTime());
    private final TurnCounter progress = new TurnCounter();
    private final RequestLook look = new RequestLook(counters);
    private final LogLimiter failureLog = new LogLimiter(10, 60_000_000_000L);
    private final Object connectionLock = new Object();
    private StoreConnection connection;
    private volatile int[] ioThreads = new int[0];
    private volatile ConnectionThreads connectionThreads = new ConnectionThreads(new int[0]);
    private int turns;
    private int workSincePoll;
    private volatile boolean parked;
    private volatile boolean running = true;

    Messenger(int index, ImageStore store, Crowd crowd) throws ErrnoException {
        this.index = index;
        this.store = store;
        this.doorbells = new Doorbells();
        this.busyClients = new BusyClients(crowd, index, System.nanoTime());
        this.thread = Thread.ofPlatform().name("messenger-" + index).unstarted(this::run);
    }

    /**
     * @throws OutOfMemoryError where there can be no more threads; {@link #closeUnstarted} is what
     *     is left to do.
     */
    void start(Consumer<Thread> starter) {
        starter.accept(thread);
    }

    /** Once it has been started. */
    void watchedBy(Watchdog watchdog) {
        watchdog.watch(thread, progress, "a session's requests or a task");
    }

    void closeUnstarted() throws ErrnoException {
        doorbells.close();
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
            doorbells.wake();
        }
    }

    /** Any thread but the messenger's: from now on the session's rings are drained. */
    public void attach(SessionChannels session) {
        execute(
                () -> {
                    try {
                        doorbells.add(session);
                        session.wakeBy(() -> lookAt(session));
                        sessions.attach(session);
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
                    session.stop();
                    sessions.detach(session);
                    doorbells.remove(session);
                    underWay.remove(session);
                    busyClients.remove(session);
                    done.run();
                });
    }

    /**
     * Any thread: the session's rings are looked at once more though its doorbell is silent, as it
     * may have requests that were left there.
     */
    void lookAt(SessionChannels session) {
        execute(
                () -> {
                    if (doorbells.has(session)) {
                        sessions.activate(session);
                    }
                });
    }

    MessengerCounters counters() {
        return counters;
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
        doorbells.wake();
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
        doorbells.close();
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
        progress.onTurn();
        int tasksDone = runTasks();
        listen();
        int requests = 0;
        int channels = 0;
        for (int i = 0, n = sessions.size(); i < n; i++) {
            SessionChannels session = sessions.get(i);
            requests += drain(session);
            channels += session.channelsLooked();
        }
        if (requests > 0) {
            workSincePoll += requests * WORK_PER_REQUEST;
            counters.onTurn();
            counters.onChannelsLooked(channels);
            // who always has work never waits, and so does not read the clock
            long now = ++turns % TURNS_PER_TIME == 0 ? System.nanoTime() : look.lastTime();
            countClients(now);
            sessions.sweep(now);
            place(requests);
        }
        return tasksDone + requests;
    }

    /** Whose doorbell has rung, and who has requests then, is active from now on. */
    private void listen() {
        if (++workSincePoll >= WORK_PER_POLL && !doorbells.hasNext()) {
            if (doorbells.size() > sessions.size()) {
                doorbells.poll();
                onListened();
            } else {
                workSincePoll = 0; // nobody is at rest
            }
        }
        for (int i = 0; i < RINGS_PER_TURN && doorbells.hasNext(); i++) {
            SessionChannels session = doorbells.next();
            if (session != null && sessions.onRing(session)) {
                session.tellCrowd(look.isCrowd());
            }
        }
    }

    private void onListened() {
        workSincePoll = doorbells.mayHaveMore() ? WORK_PER_POLL : 0;
    }

    /** What fails in one session ends that, and keeps no other from its turn. */
    private int drain(SessionChannels session) {
        progress.onTurn();
        try {
            int requests = session.drain(look, counters);
            if (requests > 0) {
                underWay.add(session);
                busyClients.add(session);
            }
            return requests;
        } catch (RuntimeException | Error e) {
            Unexpected.log("the requests of session " + session, e);
            session.fail("internal error, see above: " + e);
            return 0;
        }
    }

    /** Now and then: who is at work, and whether that is a crowd. */
    private void countClients(long now) {
        if (busyClients.isWindowOver(now)) {
            boolean isCrowd = busyClients.count(now);
            look.onCrowd(isCrowd);
            // those at rest hear of it when they have requests
            for (int i = 0, n = sessions.size(); i < n; i++) {
                sessions.get(i).tellCrowd(isCrowd);
            }
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
        return underWay.atMostOne();
    }

    private int runTasks() {
        int done = 0;
        Runnable task;
        while ((task = tasks.poll()) != null) {
            progress.onTurn();
            task.run();
            done++;
        }
        return done;
    }

    private void park() {
        parked = true;
        sessions.park();
        try {
            VarHandle.fullFence();
            if (running && !hasWork()) {
                progress.onWait();
                doorbells.await();
                onListened();
            }
        } finally {
            parked = false;
            sessions.unpark();
        }
    }

    private boolean hasWork() {
        return !tasks.isEmpty() || doorbells.hasNext() || sessions.hasWork();
    }
}
