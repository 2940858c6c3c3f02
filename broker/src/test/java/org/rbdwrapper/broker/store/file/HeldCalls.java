package org.rbdwrapper.broker.store.file;

import org.rbdwrapper.ipc.Errno;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.TimeUnit;

/**
 * The calls on images' files, under a test's control: those on an image can be held, all its next
 * flushes be told what to answer, and all are recorded where they begin, as {@code "a pread 0
 * 4096"}.
 *
 * <p>Any thread; guarded by this object.
 */
final class HeldCalls extends FileCalls {
    private static final long PATIENCE_NANOS = TimeUnit.MINUTES.toNanos(1);

    private final Set<String> held = new HashSet<>();
    private final Map<String, Integer> holding = new HashMap<>();
    private final Map<String, Integer> passes = new HashMap<>();
    private final List<String> record = new ArrayList<>();
    private final Queue<Integer> syncResults = new ArrayDeque<>();
    private boolean canFree = true;

    /** Calls on the image wait from now on. */
    synchronized void hold(String image) {
        held.add(image);
    }

    synchronized void release(String image) {
        held.remove(image);
        notifyAll();
    }

    synchronized void releaseAll() {
        held.clear();
        notifyAll();
    }

    /** Lets one call on a held image go. */
    synchronized void pass(String image) {
        passes.merge(image, 1, Integer::sum);
        notifyAll();
    }

    synchronized int holding(String image) {
        return holding.getOrDefault(image, 0);
    }

    synchronized void awaitHolding(String image, int calls) throws InterruptedException {
        long deadline = System.nanoTime() + PATIENCE_NANOS;
        while (holding(image) != calls) {
            long left = deadline - System.nanoTime();
            if (left <= 0) {
                throw new AssertionError(
                        holding(image) + " calls on " + image + " wait, not " + calls);
            }
            TimeUnit.NANOSECONDS.timedWait(this, left);
        }
    }

    /** What the next fdatasyncs and fsyncs say, each once; 0 is a real one. */
    synchronized void willSync(int... results) {
        for (int result : results) {
            syncResults.add(result);
        }
    }

    /** As a file system without holes. */
    synchronized void canFree(boolean can) {
        canFree = can;
    }

    synchronized List<String> record() {
        return List.copyOf(record);
    }

    synchronized void forget() {
        record.clear();
    }

    long count(String what) {
        return record().stream().filter(call -> call.startsWith(what)).count();
    }

    @Override
    long pread(int fd, long address, long length, long position) {
        enter(fd, "pread " + position + " " + length);
        return super.pread(fd, address, length, position);
    }

    @Override
    long pwrite(int fd, long address, long length, long position) {
        enter(fd, "pwrite " + position + " " + length);
        return super.pwrite(fd, address, length, position);
    }

    @Override
    int fallocate(int fd, int mode, long position, long length) {
        enter(fd, "fallocate " + position + " " + length);
        synchronized (this) {
            if (!canFree) {
                return -Errno.EOPNOTSUPP.number();
            }
        }
        return super.fallocate(fd, mode, position, length);
    }

    @Override
    int fdatasync(int fd) {
        enter(fd, "fdatasync");
        int told = syncResult();
        return told == 0 ? super.fdatasync(fd) : told;
    }

    @Override
    int fsync(int fd) {
        enter(fd, "fsync");
        int told = syncResult();
        return told == 0 ? super.fsync(fd) : told;
    }

    private synchronized int syncResult() {
        Integer told = syncResults.poll();
        return told == null ? 0 : told;
    }

    private synchronized void enter(int fd, String call) {
        String image = imageOf(fd);
        record.add(image + " " + call);
        if (!held.contains(image)) {
            return;
        }
        holding.merge(image, 1, Integer::sum);
        notifyAll();
        while (held.contains(image) && passes.getOrDefault(image, 0) == 0) {
            try {
                wait();
            } catch (InterruptedException e) {
                throw new AssertionError("a thread of the store was interrupted", e);
            }
        }
        passes.computeIfPresent(image, (name, left) -> left == 1 ? null : left - 1);
        holding.merge(image, -1, Integer::sum);
        notifyAll();
    }

    private static String imageOf(int fd) {
        try {
            Path data = Files.readSymbolicLink(Path.of("/proc/self/fd/" + fd));
            return data.getParent().getFileName().toString();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
