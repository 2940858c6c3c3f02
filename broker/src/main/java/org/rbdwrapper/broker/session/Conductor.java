package org.rbdwrapper.broker.session;

import org.agrona.concurrent.ManyToOneConcurrentLinkedQueue;
import org.agrona.concurrent.UnsafeBuffer;
import org.rbdwrapper.broker.Clock;
import org.rbdwrapper.broker.LogLimiter;
import org.rbdwrapper.broker.Unexpected;
import org.rbdwrapper.broker.watch.TurnCounter;
import org.rbdwrapper.ipc.Errno;
import org.rbdwrapper.ipc.ErrnoException;
import org.rbdwrapper.ipc.control.FrameBuffer;
import org.rbdwrapper.ipc.posix.Epoll;
import org.rbdwrapper.ipc.posix.EventFd;
import org.rbdwrapper.ipc.posix.Fd;
import org.rbdwrapper.ipc.posix.ProcessIdentity;
import org.rbdwrapper.ipc.posix.UnixSocket;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.VarHandle;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;

/**
 * The thread that owns all that is not I/O: the listening socket, the sessions, the image map, the
 * open images. It never blocks but in epoll: what blocks is done by workers, whose results come
 * back as tasks.
 *
 * <p>Others reach it by {@link #execute}; every other method is for its own thread.
 */
public final class Conductor implements Runnable {
    private static final Logger LOG = LoggerFactory.getLogger(Conductor.class);
    private static final long WAKE_TOKEN = -1;
    private static final long LISTENER_TOKEN = -2;
    private static final long DESCRIPTIONS_TOKEN = -3;

    /** Sockets that one look may find ready: whoever has many of them does not hide the others. */
    private static final int MAX_READY = 1024;

    private static final int RECEIVE_LENGTH = 64 * 1024;
    private static final int MAX_RECEIVED_AT_ONCE = 4;

    /** Then the sockets are looked at again: tasks may have others follow them, without end. */
    private static final int MAX_TASKS_PER_TURN = 256;

    /** For messages, and as long for tasks: whoever comes meanwhile waits no longer than that. */
    private static final long TURN_NANOS = 1_000_000;

    /** Reading the clock costs as much as a short task. */
    private static final int TASKS_PER_LOOK = 8;

    /** How often something is looked at that no event announces. */
    private static final int TICK_MILLIS = 100;

    /** How long a stop waits for requests in flight; then the process ends without them. */
    private static final long DRAIN_TIMEOUT_NANOS = 10_000_000_000L;

    /** How long it waits where none of them ends: for a store that does not answer. */
    private static final long DRAIN_PATIENCE_NANOS = 3_000_000_000L;

    private final ManyToOneConcurrentLinkedQueue<Runnable> tasks =
            new ManyToOneConcurrentLinkedQueue<>();
    private final Map<Long, Session> sessions = new HashMap<>();
    private final Map<Long, Session> ending = new HashMap<>();

    /** Those who have not said who they are, in the order in which their time is over. */
    private final Map<Long, Session> silent = new LinkedHashMap<>();

    private final LogLimiter violationLog = new LogLimiter(10, 60_000_000_000L);
    private final LogLimiter failureLog = new LogLimiter(10, 60_000_000_000L);
    private final Arena arena = Arena.ofShared();
    private final MemorySegment received = arena.allocate(RECEIVE_LENGTH);
    private final TurnCounter progress = new TurnCounter();
    private final CountDownLatch stopped = new CountDownLatch(1);
    private final Epoll epoll;
    private final int wakeFd;
    private final Listener listener;
    private final long helloTimeoutNanos;
    private final ControlTurns turns;
    private ControlAdapter adapter;
    private OpenHandler opens;
    private DelayedTasks delayed;
    private ReturnGrace grace;
    private StoreWatch storeWatch;
    private SessionLimits limits;
    private FileDescriptions descriptions;
    private SegmentKeeper segments;
    private SessionEndListener onSessionEnd = session -> {};
    private long nextSessionId = 1;
    private long violations;
    private boolean stopping;
    private long drainDeadlineNanos;
    private long drainProgressNanos;
    private long drainUnfinished;
    private volatile boolean parked;

    /**
     * @param listeningSocket from now on owned here.
     * @param helloTimeoutNanos how long a connection may be silent before it has said who it is.
     */
    public Conductor(int listeningSocket, long helloTimeoutNanos) throws ErrnoException {
        this.helloTimeoutNanos = helloTimeoutNanos;
        this.turns = new ControlTurns(ProcessIdentity.uid());
        this.epoll = new Epoll(MAX_READY);
        this.wakeFd = EventFd.create();
        epoll.add(wakeFd, Epoll.IN | Epoll.EDGE, WAKE_TOKEN);
        this.listener = new Listener(listeningSocket, epoll, LISTENER_TOKEN);
    }

    /**
     * What happens with messages, set once before the thread starts: the handlers need the
     * conductor, too.
     */
    void handlers(
            ControlAdapter messages,
            OpenHandler openHandler,
            DelayedTasks delayedTasks,
            ReturnGrace returnGrace,
            StoreWatch watch,
            SessionLimits sessionLimits,
            FileDescriptions fileDescriptions,
            SegmentKeeper segmentKeeper,
            SessionEndListener sessionEnd)
            throws ErrnoException {
        adapter = messages;
        opens = openHandler;
        delayed = delayedTasks;
        grace = returnGrace;
        storeWatch = watch;
        limits = sessionLimits;
        descriptions = fileDescriptions;
        segments = segmentKeeper;
        onSessionEnd = sessionEnd;
        if (descriptions.descriptor() >= 0) {
            epoll.add(descriptions.descriptor(), Epoll.IN, DESCRIPTIONS_TOKEN);
        }
    }

    /** Any thread: runs a task on the conductor's thread. */
    public void execute(Runnable task) {
        tasks.add(task);
        VarHandle.fullFence();
        if (parked) {
            EventFd.ring(wakeFd);
        }
    }

    /**
     * Any thread but the conductor's: ends all sessions when their requests are done, and then the
     * thread.
     */
    public boolean stopAndAwait() throws InterruptedException {
        execute(this::stop);
        stopped.await();
        return ending.isEmpty();
    }

    /** Of its thread; read by any. */
    public TurnCounter progress() {
        return progress;
    }

    @Override
    public void run() {
        while (!stopping || isDraining(System.nanoTime())) {
            try {
                turn();
            } catch (RuntimeException | Error e) {
                // one bad task must not end the broker
                failureLog.run(() -> LOG.error("conductor goes on after", e));
            }
        }
        stopped.countDown();
    }

    /** While a stop has reason to hope that the requests that are in flight end. */
    private boolean isDraining(long now) {
        long unfinished = 0;
        for (Session session : ending.values()) {
            unfinished += 1 + session.unfinished();
        }
        if (unfinished != drainUnfinished) {
            drainUnfinished = unfinished;
            drainProgressNanos = now;
        }
        return unfinished > 0
                && now - drainDeadlineNanos < 0
                && now - drainProgressNanos < DRAIN_PATIENCE_NANOS;
    }

    /** After {@link #run} has ended. */
    public void close() throws ErrnoException {
        epoll.close();
        descriptions.close();
        Fd.close(wakeFd);
        arena.close();
    }

    Collection<Session> sessions() {
        return sessions.values();
    }

    /** Whose requests are waited for. */
    Collection<Session> endingSessions() {
        return ending.values();
    }

    /** The sessions that end now are ended by this broker, which is to be replaced. */
    boolean isStopping() {
        return stopping;
    }

    /** For messages of all users in the last second, in milliseconds. */
    long workedMillis() {
        return turns.workedNanos(System.nanoTime()) / 1_000_000;
    }

    long violations() {
        return violations;
    }

    void send(Session session, FrameBuffer frame, int... descriptors) {
        if (session.isEnded()) {
            return;
        }
        boolean hadUnsent = session.hasUnsent();
        if (!session.send(frame, descriptors)) {
            end(session, "it does not read what it asked for");
        } else if (session.hasUnsent()) {
            countUnread(session);
            if (!hadUnsent && !session.isEnded()) {
                watch(session);
            }
        }
    }

    /** What all clients leave unread is bounded, as it stands in the heap. */
    private void countUnread(Session session) {
        try {
            session.takeUnread(limits);
        } catch (ErrnoException e) {
            onViolation(session, e.describe());
        }
    }

    /** A request was answered: messages that waited for it may be taken. */
    void onReplied(Session session) {
        if (session.isFreed() && session.pendingRequests == 0) {
            session.giveBackAll(limits);
        } else if (session.pendingRequests == Session.MAX_PENDING_REQUESTS - 1) {
            lookAgain(session);
        }
    }

    /** Its messages are taken again, in its turn. */
    private void lookAgain(Session session) {
        if (!session.isEnded()) {
            session.isMuted = turns.add(session, System.nanoTime());
            watch(session);
        }
    }

    /** A messenger's thread: a client broke the protocol of the rings. */
    void onViolation(Session session) {
        execute(() -> onViolation(session, session.channels.violation()));
    }

    /**
     * Ends a session: nothing of it is answered any more, and its memory is freed when its last
     * request is done.
     */
    void end(Session session, String why) {
        if (session.isEnded()) {
            return;
        }
        session.ended();
        sessions.remove(session.id);
        silent.remove(session.id);
        closeReceived(session);
        LOG.debug("session of {} ends: {}", session.describe(), why);
        try {
            epoll.remove(session.socket);
        } catch (ErrnoException e) {
            LOG.warn("socket of {}: {}", session.describe(), e.describe());
        }
        if (session.messenger == null) {
            free(session);
            return;
        }
        ending.put(session.id, session);
        session.messenger.detach(session.channels, () -> execute(() -> closeOpens(session)));
    }

    private static void closeReceived(Session session) {
        int descriptor;
        while ((descriptor = session.takeReceived()) >= 0) {
            try {
                Fd.close(descriptor);
            } catch (ErrnoException e) {
                LOG.warn("a descriptor of {}: {}", session.describe(), e.describe());
            }
        }
    }

    private void turn() {
        parked = true;
        VarHandle.fullFence();
        progress.onWait();
        int ready = epoll.await(tasks.isEmpty() ? sleepMillis() : 0);
        parked = false;
        progress.onTurn();
        // who has gone first: a request of another, made after that one's end, must find it ended
        for (int i = 0; i < ready; i++) {
            if ((epoll.ready(i) & Epoll.HANGUP) != 0) {
                onGone(epoll.token(i));
            }
        }
        for (int i = 0; i < ready; i++) {
            onReady(epoll.token(i), epoll.ready(i));
        }
        takeMessages();
        runTasks();
        endSilent();
        if (listener.isPaused() && !stopping) {
            listener.resume();
        }
        long now = System.nanoTime();
        // none of them keeps the others from their turn
        Unexpected.contain("waiting for who returns", () -> grace.look(now));
        Unexpected.contain("a delayed task", () -> delayed.look(now));
        Unexpected.contain("watching the store", () -> storeWatch.look(now));
        Unexpected.contain("watching descriptors", () -> descriptions.look(now));
    }

    /** Until something is to be looked at that no event announces; -1: for ever. */
    private int sleepMillis() {
        long wait = turns.nanosUntilNext(System.nanoTime());
        if (wait < TICK_MILLIS * 1_000_000L) {
            return (int) ((wait + 999_999) / 1_000_000);
        }
        boolean tick =
                stopping
                        || !silent.isEmpty()
                        || wait != Long.MAX_VALUE
                        || listener.isPaused()
                        || !grace.isOver()
                        || !delayed.isEmpty();
        return tick ? TICK_MILLIS : storeWatch.sleepMillis();
    }

    /** One of each session whose turn it is, for so long. */
    private void takeMessages() {
        long began = System.nanoTime();
        long now = began;
        Session session;
        while (now - began < TURN_NANOS && (session = turns.next(now)) != null) {
            if (!session.isEnded()) {
                Session one = session;
                contained(one, () -> takeMessage(one));
                long done = System.nanoTime();
                turns.charge(one.peer.uid(), done - now, done);
                now = done;
            }
        }
    }

    private void runTasks() {
        long began = System.nanoTime();
        Runnable task;
        for (int i = 0; i < MAX_TASKS_PER_TURN && (task = tasks.poll()) != null; i++) {
            progress.onTurn();
            Unexpected.contain("a task of the conductor", task);
            if (i % TASKS_PER_LOOK == 0 && System.nanoTime() - began > TURN_NANOS) {
                return;
            }
        }
    }

    /** Nothing that it has sent is answered any more: there is nobody to read it. */
    private void onGone(long token) {
        Session session = sessions.get(token);
        if (session != null) {
            end(session, "it is gone");
        }
    }

    /** What fails on one session's socket ends that: nobody knows what was taken from it. */
    private void contained(Session session, Runnable action) {
        try {
            action.run();
        } catch (RuntimeException | Error e) {
            Unexpected.log("the socket of " + session.describe(), e);
            end(session, "internal error: " + e);
        }
    }

    private void onReady(long token, int events) {
        if (token == LISTENER_TOKEN) {
            listener.accept(this::begin);
        } else if (token == DESCRIPTIONS_TOKEN) {
            descriptions.look();
        } else if (token != WAKE_TOKEN) {
            Session session = sessions.get(token);
            if (session != null) {
                contained(session, () -> onSocket(session, events));
            }
        }
    }

    private void onSocket(Session session, int events) {
        if ((events & Epoll.OUT) != 0) {
            if (!session.sendUnsent()) {
                end(session, "it is gone");
                return;
            }
            countUnread(session);
            if (!session.hasUnsent()) {
                lookAgain(session);
            }
        }
        if (!session.isEnded() && (events & (Epoll.IN | Epoll.ERROR)) != 0) {
            lookAgain(session);
        }
    }

    /** Its turn: takes one message of what it has sent. */
    private void takeMessage(Session session) {
        session.isMuted = false;
        try {
            if (session.takesMessages()) {
                UnsafeBuffer message = session.assembler.next();
                if (message == null && receive(session)) {
                    message = session.assembler.next();
                }
                if (message != null) {
                    progress.onTurn();
                    adapter.onMessage(session, message);
                }
                if (!session.isEnded() && message != null && session.assembler.hasMore()) {
                    lookAgain(session); // which no event would tell of
                    return;
                }
            }
            if (!session.isEnded()) {
                watch(session);
            }
        } catch (ErrnoException e) {
            onViolation(session, e.what());
        }
    }

    /** Whether there was something, and the session goes on. */
    private boolean receive(Session session) {
        int[] descriptors = new int[MAX_RECEIVED_AT_ONCE];
        long n = UnixSocket.receiveWithDescriptors(session.socket, received, descriptors, false);
        if (n == -Errno.EAGAIN.number()) {
            return false;
        }
        if (n <= 0) {
            end(session, n == 0 ? "it closed its socket" : Errno.of((int) n).text());
            return false;
        }
        if (!session.keepReceived(descriptors)) {
            onViolation(session, "it sends descriptors that no message is for");
            return false;
        }
        session.assembler.append(received, (int) n);
        countUnread(session);
        return !session.isEnded();
    }

    /** Which events of its socket are of interest. */
    private void watch(Session session) {
        int interest = 0;
        if (session.takesMessages() && !session.isMuted) {
            interest |= Epoll.IN;
        }
        if (session.hasUnsent()) {
            interest |= Epoll.OUT;
        }
        if (interest == session.interest) {
            return;
        }
        try {
            epoll.modify(session.socket, interest, session.id);
            session.interest = interest;
        } catch (ErrnoException e) {
            end(session, e.describe());
        }
    }

    private void begin(int socket) {
        long began = System.nanoTime();
        long id = nextSessionId++;
        Session session = null;
        try {
            session =
                    new Session(
                            id,
                            socket,
                            UnixSocket.peer(socket),
                            UnixSocket.peerGroups(socket),
                            Clock.epochNanos(),
                            System.nanoTime() + helloTimeoutNanos);
            session.take(limits, Resource.SESSIONS, 1);
            epoll.add(socket, Epoll.IN, id);
            session.interest = Epoll.IN;
            sessions.put(id, session);
            silent.put(id, session);
            long now = System.nanoTime();
            turns.charge(session.peer.uid(), now - began, now);
        } catch (ErrnoException e) {
            refuse(socket, session, e);
        } catch (RuntimeException | Error e) {
            Unexpected.log("a new connection", e);
            refuse(socket, session, Unexpected.failure(e));
        }
    }

    private void refuse(int socket, Session session, ErrnoException why) {
        if (session != null) {
            sessions.remove(session.id);
            silent.remove(session.id);
            session.giveBackAll(limits);
        }
        listener.refuse(socket, why);
    }

    /** Not those whose first message only waits for its turn. */
    private void endSilent() {
        if (silent.isEmpty()) {
            return;
        }
        long now = System.nanoTime();
        for (Session session : List.copyOf(silent.values())) {
            if (now - session.helloDeadlineNanos <= 0) {
                return; // the others came later
            }
            if (!session.isQueued) {
                onViolation(session, "no Hello within " + helloTimeoutNanos / 1_000_000 + " ms");
            }
        }
    }

    /** It has said who it is: its next message is taken when it is welcome. */
    void onGreeted(Session session) {
        silent.remove(session.id);
        session.greeted();
    }

    /** It may send what it wants now. */
    void onWelcome(Session session) {
        session.welcomed();
        lookAgain(session);
    }

    private void onViolation(Session session, String how) {
        if (session.isEnded()) {
            return;
        }
        violations++;
        violationLog.run(() -> LOG.warn("disconnected {}: {}", session.describe(), how));
        end(session, how);
    }

    /**
     * The messenger has let go: no new requests come, and those in flight are waited for, open by
     * open.
     */
    private void closeOpens(Session session) {
        List<Session.MappedOpen> left = new ArrayList<>(session.mappedOpens());
        session.opens.clear();
        for (Session.MappedOpen open : left) {
            Unexpected.contain(
                    "closing an open of a session", () -> opens.close(session, open, () -> {}));
        }
        session.whenClosed(() -> free(session));
    }

    private void free(Session session) {
        try {
            // not before: its client may take back memory that requests under way use
            Fd.close(session.socket);
        } catch (ErrnoException e) {
            LOG.warn("socket of {}: {}", session.describe(), e.describe());
        }
        if (session.channels == null) {
            freed(session);
        } else {
            segments.free(session, session.channels, () -> freed(session));
        }
    }

    private void freed(Session session) {
        ending.remove(session.id);
        Unexpected.contain("the end of a session", () -> onSessionEnd.onSessionEnd(session));
        session.freed();
        if (session.pendingRequests == 0) {
            session.giveBackAll(limits);
        }
    }

    private void stop() {
        if (stopping) {
            return;
        }
        stopping = true;
        drainProgressNanos = System.nanoTime();
        drainDeadlineNanos = drainProgressNanos + DRAIN_TIMEOUT_NANOS;
        listener.close();
        for (Session session : List.copyOf(sessions.values())) {
            end(session, "the broker stops");
        }
    }

    /** What else happens when a session is freed. */
    @FunctionalInterface
    interface SessionEndListener {
        void onSessionEnd(Session session);
    }
}
