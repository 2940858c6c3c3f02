package org.rbdwrapper.client.io;

import org.rbdwrapper.ipc.ErrnoException;
import org.rbdwrapper.ipc.segment.Doorbell;

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
    private final BitSet freeTags = new BitSet();
    private final ArenaBlocks blocks;
    private final ClientChannel channel;
    private final Doorbell doorbell;
    private final Liveness liveness;
    private final ResponseWait wait;
    private final int pieceLimit;
    private boolean started;

    AsyncChannel(ClientChannel channel, Doorbell doorbell, Liveness liveness) {
        this.channel = channel;
        this.doorbell = doorbell;
        this.liveness = liveness;
        this.wait = new ResponseWait(channel, liveness, false);
        this.blocks = new ArenaBlocks(channel.arena.capacity());
        this.pieceLimit = channel.arena.capacity() / 4;
        freeTags.set(0, channel.depth);
    }

    /** The operation's completion hears of its end. */
    void submit(Operation operation) {
        ErrnoException dead = null;
        lock.lock();
        try {
            liveness.check();
            startCompleter();
            waiting.add(operation);
            submitWaiting();
        } catch (ErrnoException e) {
            dead = e;
        } finally {
            lock.unlock();
        }
        if (dead != null) {
            operation.fail(dead);
        }
    }

    /** Under the lock. */
    private void submitWaiting() {
        boolean submitted = false;
        Operation operation;
        while ((operation = waiting.peek()) != null) {
            if (!operation.hasNext()) {
                waiting.poll();
                continue;
            }
            int tag = freeTags.nextSetBit(0);
            if (tag < 0) {
                break;
            }
            int arenaOffset;
            if (operation.isInPlace()) {
                arenaOffset = operation.nextArenaOffset();
            } else {
                int length = operation.isTransfer() ? operation.nextLength(pieceLimit) : 0;
                arenaOffset = blocks.take(length);
                if (arenaOffset < 0) {
                    break;
                }
            }
            freeTags.clear(tag);
            channel.submitNext(operation, tag, arenaOffset, pieceLimit);
            submitted = true;
        }
        if (submitted) {
            doorbell.ringIfParked();
        }
    }

    private void startCompleter() {
        if (!started) {
            started = true;
            liveness.onDeath(channel.waker::wake);
            Thread.ofPlatform().daemon().name("rbdw-completer").start(this::complete);
        }
    }

    private void complete() {
        List<Operation> done = new ArrayList<>();
        while (!liveness.isDead()) {
            wait.await();
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
                submitWaiting();
            } finally {
                lock.unlock();
            }
            done.forEach(Operation::complete);
            done.clear();
        }
        failAll();
    }

    private void failAll() {
        Set<Operation> left;
        lock.lock();
        try {
            left = channel.inFlight();
            left.addAll(waiting);
            waiting.clear();
        } finally {
            lock.unlock();
        }
        for (Operation operation : left) {
            try {
                liveness.check();
            } catch (ErrnoException e) {
                operation.fail(e);
            }
        }
    }
}
