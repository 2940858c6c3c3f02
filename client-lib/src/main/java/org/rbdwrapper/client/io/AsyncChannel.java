package org.rbdwrapper.client.io;

import org.rbdwrapper.ipc.Errno;
import org.rbdwrapper.ipc.ErrnoException;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.locks.ReentrantLock;

/**
 * A channel that all threads share which do not wait in a futex: those that go on meanwhile,
 * virtual ones, and those that found no free {@link SyncChannel}. Submitting takes a lock; a thread
 * of the channel's own takes the responses.
 *
 * <p>Operations that find no tag or no room in the arena wait in order of arrival.
 */
final class AsyncChannel {
    private final ReentrantLock lock = new ReentrantLock();
    private final ArrayDeque<Operation> waiting = new ArrayDeque<>();
    private final ArrayDeque<Operation> again = new ArrayDeque<>();
    private final BitSet freeTags = new BitSet();
    private final Succession succession;
    private Link link;
    private ClientChannel channel;
    private ResponseWait wait; // the completer's
    private ArenaBlocks blocks;
    private int inPlaceLimit;
    private int copyLimit;
    private boolean started;
    private boolean between; // two links: nothing may be submitted
    private volatile Link using; // null between two of them
    private ErrnoException failure;

    AsyncChannel(Succession succession, Link first) {
        this.succession = succession;
        this.using = first;
        bind(first);
    }

    /** The operation's completion hears of its end. */
    void submit(Operation operation) {
        ErrnoException failed;
        boolean isDone = false;
        lock.lock();
        try {
            failed = failure;
            if (failed == null) {
                startCompleterFor(operation);
                if (!operation.begin()) {
                    failed = new ErrnoException(Errno.EBADF, "the file is closed meanwhile");
                }
            }
            isDone = failed == null && operation.isDone(); // its buffer was emptied meanwhile
            if (failed == null && !isDone) {
                operation.checkPlace(link);
                waiting.add(operation);
                if (!between && !link.isDead()) {
                    submitWaiting();
                }
            }
        } finally {
            lock.unlock();
        }
        if (failed != null) {
            operation.fail(failed);
        } else if (isDone) {
            operation.complete();
        }
    }

    /** Any thread: whether nobody will touch this dead link's memory here any more. */
    boolean hasLeft(Link dead) {
        lock.lock();
        try {
            return !started || using != dead;
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
        if (operation.isInPlace()) {
            pieceLimit = inPlaceLimit;
            arenaOffset = operation.nextArenaOffset();
        } else {
            pieceLimit = copyLimit;
            arenaOffset =
                    blocks.take(operation.isTransfer() ? operation.nextLength(pieceLimit) : 0);
            if (arenaOffset < 0) {
                return false;
            }
        }
        freeTags.clear(tag);
        channel.submitNext(operation, tag, arenaOffset, pieceLimit);
        return true;
    }

    private void ring(boolean submitted) {
        if (submitted) {
            link.doorbell().ringIfParked();
        }
    }

    /** Under the lock. */
    private void startCompleterFor(Operation operation) {
        if (started) {
            return;
        }
        Link open = succession.link();
        using = open;
        between = open == null;
        if (!between && open != link) {
            bind(open);
        }
        try {
            LibraryThread.completer(this::complete).start();
        } catch (OutOfMemoryError e) { // there can be no more threads
            operation.end();
            throw e;
        }
        started = true;
    }

    private void complete() {
        try {
            if (isBetween()) {
                arrive(succession.awaitOpen(this::use), false);
            }
            boolean replaying = false;
            while (true) {
                wait.await();
                takeResponses();
                if (link.isDead()) {
                    takeResponses(); // what it has answered last
                    Link dead = link;
                    replaying = leave(replaying);
                    arrive(
                            replaying
                                    ? succession.awaitReplay(dead, this::use)
                                    : succession.awaitOpen(this::use),
                            replaying);
                }
                if (replaying && hasReplayed()) {
                    using = null; // nothing is in flight, and this link may die before it opens
                    succession.replayed();
                    replaying = false;
                    arrive(succession.awaitOpen(this::use), false);
                }
            }
        } catch (ErrnoException e) {
            failAll(e);
        }
    }

    private void takeResponses() {
        List<Operation> done = new ArrayList<>();
        lock.lock();
        try {
            Operation operation;
            while ((operation = channel.takeResponse()) != null) {
                int tag = channel.tag();
                freeTags.set(tag);
                if (!operation.isInPlace()) {
                    blocks.giveBack(channel.arenaOffset(tag), channel.length(tag));
                }
                if (operation.isDone()) {
                    done.add(operation);
                }
            }
            boolean dead = link.isDead();
            if (between || dead) {
                waiting.removeAll(done); // submitWaiting does so where it is called
            }
            if (!dead) {
                if (between) {
                    submitAgain();
                } else {
                    submitWaiting();
                }
            }
        } finally {
            lock.unlock();
        }
        done.forEach(Operation::complete);
    }

    /** The link is dead: true where operations have to be done again in part. */
    private boolean leave(boolean replaying) {
        lock.lock();
        try {
            between = true;
            Set<Operation> lost = channel.lose();
            waiting.removeAll(lost);
            List<Operation> later = List.copyOf(waiting);
            waiting.clear();
            waiting.addAll(lost);
            waiting.addAll(later);
            again.clear();
            waiting.stream().filter(Operation::hasAgain).forEach(again::add);
            boolean hasAgain = waiting.stream().anyMatch(Operation::hasAgain);
            if (hasAgain && !replaying) {
                succession.beginReplay();
            } else if (!hasAgain && replaying) {
                succession.replayed();
            }
            using = null; // not before it is waited for
            return hasAgain;
        } finally {
            lock.unlock();
        }
    }

    private void arrive(Link next, boolean toReplay) {
        List<Operation> refused = new ArrayList<>();
        lock.lock();
        try {
            if (next != link) {
                bind(next);
            }
            for (Operation operation : waiting) {
                operation.onNextLink(toReplay && next.isLate());
                if (operation.isDone()) {
                    refused.add(operation);
                }
            }
            waiting.removeAll(refused);
            between = toReplay;
            if (toReplay) {
                submitAgain();
            } else {
                submitWaiting();
            }
        } finally {
            lock.unlock();
        }
        refused.forEach(Operation::complete);
    }

    private void use(Link next) {
        using = next;
    }

    private boolean isBetween() {
        lock.lock();
        try {
            return between;
        } finally {
            lock.unlock();
        }
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
        link = next;
        channel = next.channel(0);
        wait = new ResponseWait(channel, next.liveness(), false);
        int copies = channel.arena.capacity() - next.buffersLength();
        blocks = new ArenaBlocks(next.buffersLength(), copies);
        copyLimit = copies / 4;
        inPlaceLimit = next.buffersLength() / 4;
        freeTags.clear();
        freeTags.set(0, channel.depth);
    }

    private void failAll(ErrnoException why) {
        List<Operation> all;
        lock.lock();
        try {
            failure = why;
            all = List.copyOf(waiting);
            waiting.clear();
        } finally {
            lock.unlock();
        }
        all.forEach(operation -> operation.fail(why));
    }
}
