package org.rbdwrapper.perf.load;

import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Where a job's next request goes and whether it is a read.
 *
 * <p>Any thread, each with its own {@link SplittableRandom}.
 */
final class Pattern {
    private final Job job;
    private final long blocks;
    private final AtomicLong nextBlock = new AtomicLong();

    Pattern(Job job, long size) {
        this.job = job;
        this.blocks = size / job.block();
    }

    /** A multiple of the block's length. */
    long nextPosition(SplittableRandom random) {
        long block =
                job.isRandom() ? random.nextLong(blocks) : nextBlock.getAndIncrement() % blocks;
        return block * job.block();
    }

    boolean nextIsRead(SplittableRandom random) {
        return random.nextInt(100) < job.readPercent();
    }
}
