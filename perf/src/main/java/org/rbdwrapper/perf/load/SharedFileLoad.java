package org.rbdwrapper.perf.load;

import org.HdrHistogram.Histogram;
import org.rbdwrapper.perf.measure.RunningLoad;
import org.rbdwrapper.perf.measure.Sample;
import org.rbdwrapper.perf.measure.Timeline;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/**
 * Reads by threads of this process that share one open file, past the page cache: for a file that
 * cannot be opened while it is read.
 */
public final class SharedFileLoad implements RunningLoad {
    private final FileChannel channel;
    private final ExecutorService pool;
    private final List<Future<Result>> loops = new ArrayList<>();

    private SharedFileLoad(FileChannel channel, int threads) {
        this.channel = channel;
        this.pool = Executors.newFixedThreadPool(threads);
    }

    private record Result(Histogram latencies, long elapsedNanos) {}

    /**
     * @param job that reads; each of its clients is a thread.
     */
    public static SharedFileLoad start(Path file, Job job, long size, Timeline timeline)
            throws IOException {
        SharedFileLoad load =
                new SharedFileLoad(
                        FileChannel.open(file, StandardOpenOption.READ, direct()), job.clients());
        Pattern pattern = new Pattern(job, size);
        for (int i = 0; i < job.clients(); i++) {
            load.loops.add(load.pool.submit(() -> load.loop(job, pattern, timeline)));
        }
        return load;
    }

    /** By its name: javac's warning of its class, jdk.unsupported's, cannot be suppressed. */
    private static OpenOption direct() throws IOException {
        try {
            return (OpenOption)
                    Class.forName("com.sun.nio.file.ExtendedOpenOption")
                            .getField("DIRECT")
                            .get(null);
        } catch (ReflectiveOperationException e) {
            throw new IOException("this JDK has no O_DIRECT", e);
        }
    }

    private Result loop(Job job, Pattern pattern, Timeline timeline) throws Exception {
        ByteBuffer buffer =
                ByteBuffer.allocateDirect(2 * job.block())
                        .alignedSlice(job.block())
                        .slice(0, job.block());
        SplittableRandom random = new SplittableRandom();
        Latencies.Step read =
                () -> {
                    int length = channel.read(buffer.clear(), pattern.nextPosition(random));
                    if (length != job.block()) {
                        throw new IOException(length + " bytes were read");
                    }
                };
        Latencies.repeat(read, timeline.rampSeconds(), Latencies.histogram());
        Histogram latencies = Latencies.histogram();
        return new Result(latencies, Latencies.repeat(read, timeline.seconds(), latencies));
    }

    @Override
    public List<Long> pids() {
        return List.of(ProcessHandle.current().pid());
    }

    @Override
    public Sample await() throws IOException {
        try (channel;
                pool) {
            Histogram latencies = Latencies.histogram();
            long elapsed = 0;
            for (Future<Result> loop : loops) {
                latencies.add(loop.get().latencies());
                elapsed = Math.max(elapsed, loop.get().elapsedNanos());
            }
            return Sample.of(latencies, elapsed, Sample.UNKNOWN);
        } catch (ExecutionException e) {
            throw new IOException("reads fail", e.getCause());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new InterruptedIOException("interrupted");
        }
    }
}
