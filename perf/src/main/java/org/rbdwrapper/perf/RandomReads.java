package org.rbdwrapper.perf;

import com.sun.management.ThreadMXBean;

import org.HdrHistogram.Histogram;
import org.rbdwrapper.client.RbdFile;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;

/** 4 KiB reads at random positions of an image, each a multiple of 4 KiB. */
final class RandomReads {
    private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

    /** A read that takes longer is a failure. */
    private static final long READ_LIMIT_SECONDS = 30;

    private final RbdFile file;
    private final long blocks;

    RandomReads(RbdFile file) throws IOException {
        this.file = file;
        this.blocks = file.size() / Plan.BLOCK;
    }

    /** Each thread waits for its read before it starts the next. */
    Sample sync(int threads, double seconds) throws Exception {
        Histogram latencies = Latencies.histogram();
        long elapsed = 0;
        double allocated = 0;
        try (ExecutorService pool = Executors.newFixedThreadPool(threads)) {
            List<Callable<SyncResult>> loops = new ArrayList<>();
            for (int i = 0; i < threads; i++) {
                loops.add(() -> syncLoop(seconds));
            }
            for (Future<SyncResult> done : pool.invokeAll(loops)) {
                latencies.add(done.get().latencies());
                elapsed = Math.max(elapsed, done.get().elapsedNanos());
                allocated += done.get().allocated();
            }
        }
        return Sample.timed(latencies, elapsed, allocated / latencies.getTotalCount());
    }

    private SyncResult syncLoop(double seconds) throws Exception {
        ByteBuffer buffer = ByteBuffer.allocateDirect(Plan.BLOCK);
        SplittableRandom random = new SplittableRandom();
        Latencies.Step read =
                () -> {
                    buffer.clear();
                    checkLength(file.read(buffer, random.nextLong(blocks) * Plan.BLOCK));
                };
        Latencies.repeat(read, seconds / 5, Latencies.histogram());
        Histogram latencies = Latencies.histogram();
        long before = THREADS.getCurrentThreadAllocatedBytes();
        long elapsed = Latencies.repeat(read, seconds, latencies);
        long allocated = THREADS.getCurrentThreadAllocatedBytes() - before;
        return new SyncResult(latencies, elapsed, allocated);
    }

    /** So many reads are under way at each time; the end of one starts the next. */
    Sample async(int depth, double seconds) throws Exception {
        asyncLoop(depth, seconds / 5);
        return asyncLoop(depth, seconds);
    }

    private Sample asyncLoop(int depth, double seconds) throws Exception {
        long allocatedBefore = THREADS.getTotalThreadAllocatedBytes();
        long start = System.nanoTime();
        long end = start + (long) (seconds * 1e9);
        CountDownLatch ended = new CountDownLatch(depth);
        List<Slot> slots = new ArrayList<>();
        for (int i = 0; i < depth; i++) {
            slots.add(new Slot(end, ended));
        }
        slots.forEach(Slot::next);
        if (!ended.await((long) seconds + READ_LIMIT_SECONDS, TimeUnit.SECONDS)) {
            throw new IOException("reads of " + file.path() + " do not end");
        }
        long elapsed = System.nanoTime() - start;
        long allocated = THREADS.getTotalThreadAllocatedBytes() - allocatedBefore;
        long operations = 0;
        for (Slot slot : slots) {
            if (slot.failure != null) {
                throw new IOException("read of " + file.path() + " failed", slot.failure);
            }
            operations += slot.operations;
        }
        return Sample.counted(operations, elapsed, (double) allocated / operations);
    }

    private static void checkLength(int length) throws IOException {
        if (length != Plan.BLOCK) {
            throw new IOException("read " + length + " bytes instead of " + Plan.BLOCK);
        }
    }

    private record SyncResult(Histogram latencies, long elapsedNanos, long allocated) {}

    /** One of the reads under way: used by one thread after the other. */
    private final class Slot {
        private final ByteBuffer buffer = ByteBuffer.allocateDirect(Plan.BLOCK);
        private final SplittableRandom random = new SplittableRandom();
        private final long end;
        private final CountDownLatch ended;
        private long operations;
        private Throwable failure;

        Slot(long end, CountDownLatch ended) {
            this.end = end;
            this.ended = ended;
        }

        void next() {
            buffer.clear();
            var _ =
                    file.readAsync(buffer, random.nextLong(blocks) * Plan.BLOCK)
                            .whenComplete(this::done);
        }

        private void done(Integer length, Throwable thrown) {
            if (thrown != null || length != Plan.BLOCK) {
                failure = thrown != null ? thrown : new IOException("short read: " + length);
                ended.countDown();
                return;
            }
            operations++;
            if (System.nanoTime() < end) {
                next();
            } else {
                ended.countDown();
            }
        }
    }
}
