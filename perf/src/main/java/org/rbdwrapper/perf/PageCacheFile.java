package org.rbdwrapper.perf;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.SplittableRandom;

/** The yardstick of a read: {@code pread} of a plain file that is in the page cache. */
record PageCacheFile(FileChannel channel, ByteBuffer buffer, SplittableRandom random)
        implements AutoCloseable {
    private static final int FILL_LENGTH = 1 << 20;

    /** As long as the image that is read beside it. */
    static PageCacheFile create(Path path) throws IOException {
        FileChannel channel =
                FileChannel.open(
                        path,
                        StandardOpenOption.CREATE_NEW,
                        StandardOpenOption.READ,
                        StandardOpenOption.WRITE);
        ByteBuffer block = ByteBuffer.allocateDirect(FILL_LENGTH);
        for (long at = 0; at < Plan.MEMORY_IMAGE_BYTES; at += FILL_LENGTH) {
            block.clear().putLong(0, at + 1);
            while (block.hasRemaining()) {
                channel.write(block, at + block.position());
            }
        }
        channel.force(false); // no writeback while it is timed
        return new PageCacheFile(
                channel, ByteBuffer.allocateDirect(Plan.BLOCK), new SplittableRandom());
    }

    void read() throws IOException {
        buffer.clear();
        long blocks = Plan.MEMORY_IMAGE_BYTES / Plan.BLOCK;
        if (channel.read(buffer, random.nextLong(blocks) * Plan.BLOCK) != Plan.BLOCK) {
            throw new IOException("short read of the plain file");
        }
    }

    @Override
    public void close() throws IOException {
        channel.close();
    }
}
