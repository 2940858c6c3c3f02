package org.rbdwrapper.client.io;

import org.rbdwrapper.ipc.Errno;
import org.rbdwrapper.ipc.ErrnoException;

import java.util.ArrayDeque;
import java.util.BitSet;
import java.util.concurrent.locks.ReentrantLock;

/**
 * A channel that all threads share which do not wait in a futex: those that go on meanwhile,
 * virtual ones, and those that found no free {@link SyncChannel}. Submitting takes a lock; a thread
 * of the channel's own, the completer, takes the responses.
 *
 * <p>Operations that find no tag or no room in the arena wait in order of arrival.
 *
 * <pre>
 *                 room                last answer
 *   waiting ──────────────▶ in flight ───────────▶ ended ── told by the completer
 *      ▲ │                   │                       ▲
 *      │ │ stopped           │ the link is dead      │
 *      │ └───────────────────┼───────────────────────┘
 *      └─────────────────────┘
 * </pre>
 *
 * <p>What is thrown in one operation's copy or own code stops that one alone. What is thrown
 * besides fails all that the completer has, which goes on with what comes later.
 */
final class AsyncChannel implements BufferHold {
    /** A completer that tells of one end for longer is kept by the program. */
    private static final long KEPT_NANOS = 20_000_000;

    private final ReentrantLock lock = new ReentrantLock();
    private final OperationQueue waiting = new OperationQueue();
    private final OperationQueue ended = new OperationQueue();
    private final OperationQueue telling = new OperationQueue(); // the completer's
    private final ArrayDeque<Operation> again = new ArrayDeque<>();
    private final BitSet freeTags = new BitSet();
    private final Succession succession;
    private Link link;
    private ClientChannel channel;
    private ResponseWait wait; // the completer's
    private ArenaBlocks blocks;
    private int inPlaceLimit;
    private int copyLimit;
    private Duty duty; // the completer's; null until there is one
    private Duty watched; // by who waits for what a completer may not come to, as what follows
    private int watchedTold;
    private long watchedSince;
    private boolean between; // two links: nothing may be submitted
    private boolean replaying; // the completer's
    private volatile Link using; // null between two of them
    private Link arriving; // the completer's: its next one, until it goes on with it
    private ErrnoException failure;

    /** The completer's steps, made while there is memory for them. */
    private final Succession.Arrival use = this::use;

    private final Runnable arrive = this::arrive;
    private final Runnable leave = this::leave;
    private final Runnable endReplayWhenDone = this::endReplayWhenDone;

    AsyncChannel(Succession succession, Link first) {
        this.succession = succession;
        this.using = first;
        bind(first);
    }

    /**
     * The operation's completion hears of its end.
     *
     * @throws Error where it could not be begun; it has ended then.
     */
    void submit(Operation operation) {
        boolean isOver = false;
        try {
            operation.hold(this);
            lock.lock();
            try {
                isOver = refuses(operation);
                if (!isOver) {
                    waiting.addLast(operation);
                    // others that wait have found no room; who makes some submits them
                    if (!between && !link.isDead() && waiting.peek() == operation) {
                        submitWaiting();
                    }
                    if (operation.queue == ended) { // it was stopped, and nobody comes for it
                        ended.remove(operation);
                        isOver = true;
                    }
                }
            } finally {
                lock.unlock();
            }
        } catch (Throwable e) {
            boolean isUnderWay = isUnderWay(operation, e);
            if (isOver || !isUnderWay) {
                operation.end();
                throw e;
            }
        }
        if (isOver) {
            while (!operation.tell()) { // there may be no completer that would come for it
                LowMemory.pause();
            }
        }
    }

    /** Something was thrown on its submitter's thread: whether the completer will tell its end. */
    private boolean isUnderWay(Operation operation, Throwable thrown) {
        try {
            if (!lock.isHeldByCurrentThread()) { // at the stack's end it throws after it has locked
                lock.lock();
            }
            if (operation.queue == ended) {
                ended.remove(operation);
                return false;
            }
            if (operation.isSettled()) {
                return true;
            }
            operation.stop(thrown);
            waiting.remove(operation);
            ring(operation.hasInFlight());
            return operation.hasInFlight();
        } finally {
            unlockIfHeld();
        }
    }

    /** Under the lock: it is over before it has begun. */
    private boolean refuses(Operation operation) {
        ErrnoException failed = failure;
        if (failed == null) {
            startCompleter();
            if (!operation.begin()) {
                failed = new ErrnoException(Errno.EBADF, "the file is closed meanwhile");
            }
        }
        if (failed != null) {
            operation.stop(failed);
        } else {
            operation.checkPlace(link);
        }
        boolean isOver = operation.isDone(); // also where its buffer was emptied meanwhile
        if (isOver) {
            operation.settle();
        }
        return isOver;
    }

    @Override
    public void awaitNoCopy() {
        try {
            lock.lock(); // whoever copies has it
        } finally {
            unlockIfHeld();
        }
    }

    private void unlockIfHeld() {
        if (lock.isHeldByCurrentThread()) {
            lock.unlock();
        }
    }

    /** Any thread: whether nobody will touch this dead link's memory here any more. */
    boolean hasLeft(Link dead) {
        lock.lock();
        try {
            return duty == null || using != dead;
        } finally {
            lock.unlock();
        }
    }

    /** Under the lock. */
    private void submitWaiting() {
        boolean submitted = false;
        Operation operation;
        while ((operation = waiting.peek()) != null) {
            if (!operation.hasNext()) {
                waiting.poll();
            } else if (submitNext(operation)) {
                submitted = true;
            } else {
                break;
            }
        }
        ring(submitted);
    }

    /** Under the lock. */
    private void submitAgain() {
        boolean submitted = false;
        Operation operation;
        while ((operation = again.peek()) != null) {
            if (!operation.hasAgain()) {
                again.poll();
            } else if (submitNext(operation)) {
                submitted = true;
            } else {
                break;
            }
        }
        ring(submitted);
    }

    /** Under the lock: false where there is no tag or no room for its next piece. */
    private boolean submitNext(Operation operation) {
        int tag = freeTags.nextSetBit(0);
        if (tag < 0) {
            return false;
        }
        int arenaOffset;
        int pieceLimit;
        int taken = 0;
        if (operation.isInPlace()) {
            pieceLimit = inPlaceLimit;
            arenaOffset = operation.nextArenaOffset();
        } else {
            pieceLimit = copyLimit;
            taken = operation.isTransfer() ? operation.nextLength(pieceLimit) : 0;
            arenaOffset = blocks.take(taken);
            if (arenaOffset < 0) {
                return false;
            }
        }
        if (channel.submitNext(operation, tag, arenaOffset, pieceLimit)) {
            freeTags.clear(tag);
            return true;
        }
        if (!operation.isInPlace()) {
            blocks.giveBack(arenaOffset, taken);
        }
        onStopped(operation);
        return true;
    }

    /** Under the lock. */
    private void onStopped(Operation operation) {
        waiting.remove(operation);
        again.remove(operation);
        if (operation.isDone()) {
            end(operation);
        }
    }

    /** Under the lock: it is done. */
    private void end(Operation operation) {
        waiting.remove(operation);
        operation.settle();
        ended.addLast(operation);
    }

    private void ring(boolean submitted) {
        if (submitted) {
            link.doorbell().ringIfParked();
        }
    }

    /** Under the lock. */
    private void startCompleter() {
        if (duty != null) {
            return;
        }
        Link open = succession.link();
        using = open;
        between = open == null;
        if (!between && open != link) {
            bind(open);
        }
        Duty first = new Duty();
        LibraryThread.completer(() -> complete(first)).start();
        duty = first;
    }

    /**
     * Any thread, again and again while it waits for what a completer may have to do: where a
     * program keeps that one, which may wait for the caller, another takes its place.
     */
    void relieveCompleter() {
        lock.lock();
        try {
            Duty current = duty;
            if (current == null || !current.isTelling()) {
                return;
            }
            long now = System.nanoTime();
            if (watched != current || watchedTold != current.told()) {
                watched = current;
                watchedTold = current.told();
                watchedSince = now;
            } else if (now - watchedSince > KEPT_NANOS) {
                watchedSince = now;
                Duty next = new Duty();
                LibraryThread.completer(() -> takeOver(current, next)).start();
            }
        } catch (OutOfMemoryError e) {
            LowMemory.pause(); // or there can be no more threads: the caller comes again
        } finally {
            lock.unlock();
        }
    }

    private void takeOver(Duty current, Duty next) {
        boolean takes;
        lock.lock();
        try {
            takes = duty == current && current.relieve();
            if (takes) {
                duty = next;
            }
        } finally {
            lock.unlock();
        }
        if (takes) {
            complete(next);
        }
    }

    private void complete(Duty mine) {
        while (true) {
            try {
                serve(mine);
                return;
            } catch (ErrnoException e) {
                refuseFromNowOn(e);
                stopAllWhateverMemory(e);
                tellEnded(mine);
                return;
            } catch (Throwable e) { // no operation's: it must not end this thread, which all need
                if (!mine.resume()) {
                    return;
                }
                stopAllWhateverMemory(e);
            }
        }
    }

    private void stopAllWhateverMemory(Throwable why) {
        while (true) {
            try {
                stopAll(why);
                return;
            } catch (OutOfMemoryError e) {
                LowMemory.pause();
            }
        }
    }

    /** Begins where it was broken off; returns when it is relieved. */
    private void serve(Duty mine) throws ErrnoException {
        while (tellEnded(mine)) {
            if (arriving != null) {
                LowMemory.outlast(arrive);
            } else if (using == null) {
                if (replaying) {
                    succession.awaitReplay(link, use);
                } else {
                    succession.awaitOpen(use);
                }
                continue;
            } else {
                wait.await();
                takeResponses();
                if (link.isDead()) {
                    takeResponses(); // what it has answered last
                    LowMemory.outlast(leave);
                }
            }
            LowMemory.outlast(endReplayWhenDone);
        }
    }

    /** Also at once, where all was refused that was to be done again. */
    private void endReplayWhenDone() {
        if (using != null && replaying && hasReplayed()) {
            using = null; // nothing is in flight, and this link may die before it opens
            endReplay();
        }
    }

    private void endReplay() {
        if (replaying) {
            replaying = false;
            succession.replayed();
        }
    }

    private void takeResponses() {
        lock.lock();
        try {
            takeAnswers();
            if (!link.isDead()) {
                if (between) {
                    submitAgain();
                } else {
                    submitWaiting();
                }
            }
            telling.addAll(ended);
        } finally {
            lock.unlock();
        }
    }

    /** Under the lock. */
    private void takeAnswers() {
        Operation operation;
        while ((operation = channel.takeResponse()) != null) {
            int tag = channel.tag();
            freeTags.set(tag);
            if (!operation.isInPlace()) {
                blocks.giveBack(channel.arenaOffset(tag), channel.length(tag));
            }
            if (operation.isDone()) {
                end(operation);
            }
        }
    }

    /** Returns when all that is to be told was told; false where it is relieved meanwhile. */
    private boolean tellEnded(Duty mine) {
        Thread.interrupted(); // the closing of an arena that is copied to interrupts
        Operation operation;
        while ((operation = telling.poll()) != null) {
            mine.beginTelling();
            while (!operation.tell()) { // there is no memory for it
                LowMemory.pause();
            }
            if (!mine.endTelling()) {
                return false;
            }
        }
        return true;
    }

    /** The link is dead: operations may have to be done again in part. */
    private void leave() {
        lock.lock();
        try {
            between = true;
            channel.lose(
                    lost -> { // the last first
                        waiting.remove(lost);
                        if (lost.isDone()) { // it was stopped
                            end(lost);
                        } else {
                            waiting.addFirst(lost);
                        }
                    });
            again.clear();
            waiting.forEach(
                    operation -> {
                        if (operation.hasAgain()) {
                            again.add(operation);
                        }
                    });
            boolean hasAgain = !again.isEmpty();
            if (hasAgain && !replaying) {
                succession.beginReplay();
                replaying = true;
            } else if (!hasAgain) {
                endReplay();
            }
            using = null; // not before it is waited for
            telling.addAll(ended);
        } finally {
            lock.unlock();
        }
    }

    private void arrive() {
        Link next = arriving;
        lock.lock();
        try {
            if (next != link) {
                bind(next);
            }
            waiting.forEach(
                    operation -> {
                        operation.onNextLink(replaying && next.isLate());
                        if (operation.isDone()) {
                            again.remove(operation);
                            end(operation);
                        }
                    });
            between = replaying;
            if (replaying) {
                submitAgain();
            } else {
                submitWaiting();
            }
            telling.addAll(ended);
            arriving = null;
        } finally {
            lock.unlock();
        }
    }

    private void use(Link next) {
        using = next;
        arriving = next;
    }

    private boolean hasReplayed() {
        lock.lock();
        try {
            return again.stream().noneMatch(Operation::hasAgain)
                    && freeTags.cardinality() == channel.depth;
        } finally {
            lock.unlock();
        }
    }

    /** Under the lock, or before anybody has this. */
    private void bind(Link next) {
        ClientChannel nextChannel = next.channel(0);
        ResponseWait nextWait = new ResponseWait(nextChannel, next.liveness(), false);
        int copies = nextChannel.arenaLength - next.buffersLength();
        ArenaBlocks nextBlocks = new ArenaBlocks(next.buffersLength(), copies);
        freeTags.clear();
        freeTags.set(0, nextChannel.depth);
        channel = nextChannel;
        wait = nextWait;
        blocks = nextBlocks;
        copyLimit = copies / 4;
        inPlaceLimit = next.buffersLength() / 4;
        link = next;
    }

    private void refuseFromNowOn(ErrnoException why) {
        lock.lock();
        try {
            failure = why;
        } finally {
            lock.unlock();
        }
    }

    /** What is in flight has its end with its last answer. */
    private void stopAll(Throwable why) {
        lock.lock();
        try {
            again.clear();
            channel.stopAll(why);
            waiting.forEach(
                    operation -> {
                        operation.stop(why);
                        onStopped(operation);
                    });
            telling.addAll(ended);
        } finally {
            lock.unlock();
        }
    }
}
