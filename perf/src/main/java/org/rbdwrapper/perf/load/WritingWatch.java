package org.rbdwrapper.perf.load;

import org.rbdwrapper.client.RbdFile;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;

/**
 * A program that writes one block after the other and notes how long it had to wait for the
 * slowest.
 *
 * <p>Its own thread writes; the figures are read and begun anew by another.
 */
public final class WritingWatch implements AutoCloseable {
    private static final int BLOCK = 4096;
    private static final long LOOK_NANOS = 1_000_000;
    private static final long LIMIT_NANOS = 60_000_000_000L;

    private final RbdFile file;
    private final Thread thread;
    private final AtomicLong longestNanos = new AtomicLong();
    private final AtomicLong writes = new AtomicLong();
    private volatile boolean stop;
    private volatile RuntimeException failure;

    private WritingWatch(RbdFile file, long imageBytes) {
        this.file = file;
        this.thread = Thread.ofPlatform().name("writer").unstarted(() -> run(imageBytes));
    }

    public static WritingWatch start(Path runDir, String path, long imageBytes) throws IOException {
        WritingWatch watch = new WritingWatch(RbdFile.openAt(runDir, path), imageBytes);
        watch.thread.start();
        return watch;
    }

    /** Returns when so many more have been written. */
    public void await(long more) throws IOException {
        long wanted = writes.get() + more;
        long deadline = System.nanoTime() + LIMIT_NANOS;
        while (writes.get() < wanted) {
            if (failure != null) {
                throw new IOException("the writer failed", failure);
            }
            if (System.nanoTime() - deadline > 0) {
                throw new IOException("the writer does not go on");
            }
            LockSupport.parkNanos(LOOK_NANOS);
        }
    }

    /** What was before does not count. */
    public void begin() {
        longestNanos.set(0);
    }

    /** Nanoseconds that the slowest write since {@link #begin} took. */
    public long longestNanos() {
        return longestNanos.get();
    }

    private void run(long imageBytes) {
        SplittableRandom random = new SplittableRandom(1);
        ByteBuffer block = ByteBuffer.allocateDirect(BLOCK);
        try {
            while (!stop) {
                long began = System.nanoTime();
                file.write(block.clear(), random.nextLong(imageBytes / BLOCK) * BLOCK);
                longestNanos.accumulateAndGet(System.nanoTime() - began, Math::max);
                writes.incrementAndGet();
            }
        } catch (IOException e) {
            failure = new UncheckedIOException(e);
        }
    }

    @Override
    public void close() throws IOException {
        stop = true;
        try {
            thread.join();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        file.close();
    }
}
