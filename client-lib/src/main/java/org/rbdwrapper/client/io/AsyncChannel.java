package org.rbdwrapper.client.io;

import org.rbdwrapper.ipc.Errno;
import org.rbdwrapper.ipc.ErrnoException;
import org.rbdwrapper.ipc.segment.Doorbell;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.locks.ReentrantLock;

/**
 * A channel that all threads share which do not wait in a futex: those that want a future, virtual
 * ones, and those that found no free {@link SyncChannel}. Submitting takes a lock; a thread of the
 * channel's own takes the responses.
 *
 * <p>Operations that find no tag or no room in the arena wait in order of arrival.
 */
final class AsyncChannel {
    private final ReentrantLock lock = new ReentrantLock();
    private final ArrayDeque<Operation> waiting = new ArrayDeque<>();
    private final IdentityHashMap<Operation, CompletableFuture<Long>> futures =
            new IdentityHashMap<>();
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

    CompletableFuture<Long> submit(Operation operation) {
        CompletableFuture<Long> future = new CompletableFuture<>();
        lock.lock();
        try {
            liveness.check();
            startCompleter();
            futures.put(operation, future);
            waiting.add(operation);
            submitWaiting();
        } catch (ErrnoException e) {
            future.completeExceptionally(e);
        } finally {
            lock.unlock();
        }
        return future;
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
            int length = operation.isTransfer() ? operation.nextLength(pieceLimit) : 0;
            int arenaOffset = blocks.take(length);
            if (arenaOffset < 0) {
                break;
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
                    blocks.giveBack(channel.arenaOffset(tag), channel.length(tag));
                    if (operation.isDone()) {
                        done.add(operation);
                    }
                }
                submitWaiting();
            } finally {
                lock.unlock();
            }
            done.forEach(this::finish);
            done.clear();
        }
        failAll();
    }

    /** Without the lock: what depends on the future may submit. */
    private void finish(Operation operation) {
        CompletableFuture<Long> future;
        lock.lock();
        try {
            future = futures.remove(operation);
        } finally {
            lock.unlock();
        }
        long result = operation.finish();
        if (result < 0) {
            future.completeExceptionally(
                    new ErrnoException(Errno.of((int) result), operation.describe()));
        } else {
            future.complete(result);
        }
    }

    private void failAll() {
        List<CompletableFuture<Long>> left;
        lock.lock();
        try {
            left = new ArrayList<>(futures.values());
            futures.clear();
            waiting.clear();
        } finally {
            lock.unlock();
        }
        for (CompletableFuture<Long> future : left) {
            try {
                liveness.check();
            } catch (ErrnoException e) {
                future.completeExceptionally(e);
            }
        }
    }
}
