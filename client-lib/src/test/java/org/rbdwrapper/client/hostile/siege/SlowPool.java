package org.rbdwrapper.client.hostile.siege;

import org.rbdwrapper.ipc.ErrnoException;
import org.rbdwrapper.ipc.posix.SharedMemory;

import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.locks.LockSupport;

/**
 * What a cluster's client needs for what it is asked, as librbd does: memory for a copy of each
 * write and for each object of a discard, until that is done, and one after the other gets done at
 * a rate that does not change.
 *
 * <p>Any thread.
 */
final class SlowPool {
    private static final long BYTES_PER_SECOND = 150L << 20;

    /** What is asked for beyond gets no memory, so that the host lives through it. */
    private static final long MOST_BYTES = 400L << 20;

    private static final long PAGE = 4096;

    private final LinkedBlockingQueue<Task> tasks = new LinkedBlockingQueue<>();
    private final Thread thread =
            Thread.ofPlatform().daemon().name("slow-pool").start(this::workOff);
    private long held; // guarded by this

    /** Memory of one request, 0 where it got none, and what follows when its time is over. */
    private record Task(long bytes, long address, Runnable end) {}

    /**
     * @param source what is copied, again and again to fill the memory; 0: it is zeroed.
     * @param end called by the pool's thread.
     */
    void take(long bytes, long source, long sourceLength, Runnable end) {
        long length = (bytes + PAGE - 1) & -PAGE;
        tasks.add(new Task(length, copy(length, source, sourceLength), end));
    }

    void close() {
        thread.interrupt();
    }

    private long copy(long length, long source, long sourceLength) {
        synchronized (this) {
            if (held + length > MOST_BYTES) {
                return 0;
            }
            held += length;
        }
        try {
            long address = SharedMemory.mapAnonymous(length);
            for (long done = 0; done < length; done += PAGE) { // memory that is used
                if (source == 0) {
                    org.agrona.UnsafeApi.putLong(address + done, done);
                } else {
                    long from = source + done % Math.max(sourceLength, 1);
                    long n = Math.min(PAGE, sourceLength - done % Math.max(sourceLength, 1));
                    org.agrona.UnsafeApi.copyMemory(from, address + done, n);
                }
            }
            return address;
        } catch (ErrnoException e) {
            throw new IllegalStateException("memory of the slow pool", e);
        }
    }

    private void workOff() {
        long free = System.nanoTime();
        try {
            while (true) {
                Task task = tasks.take();
                free = Math.max(free, System.nanoTime());
                free += task.bytes * 1_000_000_000L / BYTES_PER_SECOND;
                while (System.nanoTime() - free < 0) {
                    LockSupport.parkNanos(free - System.nanoTime());
                    if (Thread.interrupted()) {
                        return;
                    }
                }
                end(task);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt(); // closed
        }
    }

    private void end(Task task) {
        if (task.address != 0) {
            try {
                SharedMemory.unmap(task.address, task.bytes);
            } catch (ErrnoException e) {
                throw new IllegalStateException("memory of the slow pool", e);
            }
            synchronized (this) {
                held -= task.bytes;
            }
        }
        task.end.run();
    }
}
