package org.rbdwrapper.perf.load;

import com.sun.management.ThreadMXBean;

import org.HdrHistogram.Histogram;
import org.rbdwrapper.client.RbdBuffer;
import org.rbdwrapper.client.RbdFile;
import org.rbdwrapper.perf.measure.Sample;
import org.rbdwrapper.perf.measure.Timeline;

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

/** Does a job through an {@link RbdFile}. */
final class FileLoad {
    private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

    /** A request that takes longer is a failure. */
    private static final long REQUEST_LIMIT_SECONDS = 30;

    /** One of each request under way: with three digits they would fill the heap. */
    private static final int SLOT_DIGITS = 2;

    private static final long SLOT_NANOS = TimeUnit.SECONDS.toNanos(REQUEST_LIMIT_SECONDS);

    private final RbdFile file;
    private final Job job;
    private final Pattern pattern;

    FileLoad(RbdFile file, Job job) throws IOException {
        this.file = file;
        this.job = job;
        this.pattern = new Pattern(job, file.size());
    }

    /** Each thread waits for its request before it starts the next. */
    Sample sync(int threads, Timeline timeline) throws Exception {
        Histogram latencies = Latencies.histogram();
        long elapsed = 0;
        double allocated = 0;
        try (ExecutorService pool = Executors.newFixedThreadPool(threads)) {
            List<Callable<SyncResult>> loops = new ArrayList<>();
            for (int i = 0; i < threads; i++) {
                loops.add(() -> syncLoop(timeline));
            }
            for (Future<SyncResult> done : pool.invokeAll(loops)) {
                latencies.add(done.get().latencies());
                elapsed = Math.max(elapsed, done.get().elapsedNanos());
                allocated += done.get().allocated();
            }
        }
        return Sample.of(latencies, elapsed, allocated / latencies.getTotalCount());
    }

    private SyncResult syncLoop(Timeline timeline) throws Exception {
        ByteBuffer buffer = ByteBuffer.allocateDirect(job.block());
        SplittableRandom random = new SplittableRandom();
        Latencies.Step request =
                () -> {
                    buffer.clear();
                    long position = pattern.nextPosition(random);
                    checkLength(
                            pattern.nextIsRead(random)
                                    ? file.read(buffer, position)
                                    : file.write(buffer, position));
                };
        Latencies.repeat(request, timeline.rampSeconds(), Latencies.histogram());
        Histogram latencies = Latencies.histogram();
        long before = THREADS.getCurrentThreadAllocatedBytes();
        long elapsed = Latencies.repeat(request, timeline.seconds(), latencies);
        long allocated = THREADS.getCurrentThreadAllocatedBytes() - before;
        return new SyncResult(latencies, elapsed, allocated);
    }

    /**
     * As many requests as the job's depth are under way, in buffers that the broker shares; the end
     * of one starts the next.
     */
    Sample async(Timeline timeline) throws Exception {
        try (RbdBuffer buffer = file.allocate(job.depth() * job.block())) {
            return async(timeline, buffer.bytes());
        }
    }

    private Sample async(Timeline timeline, ByteBuffer buffer) throws Exception {
        long start = System.nanoTime();
        long measured = start + (long) (timeline.rampSeconds() * 1e9);
        long end = measured + (long) (timeline.seconds() * 1e9);
        CountDownLatch ended = new CountDownLatch(job.depth());
        List<Slot> slots = new ArrayList<>();
        for (int i = 0; i < job.depth(); i++) {
            ByteBuffer part = buffer.slice(i * job.block(), job.block());
            slots.add(new Slot(part, measured, end, ended));
        }
        slots.forEach(Slot::next);
        TimeUnit.NANOSECONDS.sleep(measured - System.nanoTime());
        long allocatedBefore = THREADS.getTotalThreadAllocatedBytes();
        if (!ended.await((long) timeline.seconds() + REQUEST_LIMIT_SECONDS, TimeUnit.SECONDS)) {
            throw new IOException("requests to " + file.path() + " do not end");
        }
        long elapsed = System.nanoTime() - measured;
        long allocated = THREADS.getTotalThreadAllocatedBytes() - allocatedBefore;
        Histogram latencies = new Histogram(SLOT_NANOS, SLOT_DIGITS);
        for (Slot slot : slots) {
            if (slot.failure != null) {
                throw new IOException("a request to " + file.path() + " failed", slot.failure);
            }
            latencies.add(slot.latencies);
        }
        return Sample.of(latencies, elapsed, (double) allocated / latencies.getTotalCount());
    }

    private void checkLength(int length) throws IOException {
        if (length != job.block()) {
            throw new IOException(length + " bytes were transferred instead of " + job.block());
        }
    }

    private record SyncResult(Histogram latencies, long elapsedNanos, long allocated) {}

    /** One of the requests under way: used by one thread after the other. */
    private final class Slot {
        private final ByteBuffer buffer;
        private final SplittableRandom random = new SplittableRandom();
        private final Histogram latencies = new Histogram(SLOT_NANOS, SLOT_DIGITS);
        private final long measured;
        private final long end;
        private final CountDownLatch ended;
        private long begun;
        private Throwable failure;

        Slot(ByteBuffer buffer, long measured, long end, CountDownLatch ended) {
            this.buffer = buffer;
            this.measured = measured;
            this.end = end;
            this.ended = ended;
        }

        void next() {
            buffer.clear();
            long position = pattern.nextPosition(random);
            begun = System.nanoTime();
            var _ =
                    (pattern.nextIsRead(random)
                                    ? file.readAsync(buffer, position)
                                    : file.writeAsync(buffer, position))
                            .whenComplete(this::done);
        }

        private void done(Integer length, Throwable thrown) {
            if (thrown != null || length != job.block()) {
                failure = thrown != null ? thrown : new IOException("transferred: " + length);
                ended.countDown();
                return;
            }
            long now = System.nanoTime();
            if (now >= measured) {
                latencies.recordValue(Math.min(now - begun, SLOT_NANOS));
            }
            if (now < end) {
                next();
            } else {
                ended.countDown();
            }
        }
    }
}
