package org.rbdwrapper.perf.load;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.SplittableRandom;

/** The yardstick of a read: {@code pread} of a plain file that is in the page cache. */
public record PageCacheFile(
        FileChannel channel, ByteBuffer buffer, long blocks, SplittableRandom random)
        implements AutoCloseable {
    private static final int BLOCK = 4096;
    private static final int FILL_LENGTH = 1 << 20;

    /**
     * @param size a multiple of 1 MiB.
     */
    public static PageCacheFile create(Path path, long size) throws IOException {
        FileChannel channel =
                FileChannel.open(
                        path,
                        StandardOpenOption.CREATE_NEW,
                        StandardOpenOption.READ,
                        StandardOpenOption.WRITE);
        ByteBuffer block = ByteBuffer.allocateDirect(FILL_LENGTH);
        for (long at = 0; at < size; at += FILL_LENGTH) {
            block.clear().putLong(0, at + 1);
            while (block.hasRemaining()) {
                channel.write(block, at + block.position());
            }
        }
        channel.force(false); // no writeback while it is timed
        return new PageCacheFile(
                channel, ByteBuffer.allocateDirect(BLOCK), size / BLOCK, new SplittableRandom());
    }

    public void read() throws IOException {
        buffer.clear();
        if (channel.read(buffer, random.nextLong(blocks) * BLOCK) != BLOCK) {
            throw new IOException("short read of the plain file");
        }
    }

    @Override
    public void close() throws IOException {
        channel.close();
    }
}
