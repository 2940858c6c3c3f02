package org.rbdwrapper.client;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.MappedByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/** Buffers of a mapped file that has become shorter: touching what is behind its end fails. */
public final class TruncatedBuffer {
    private TruncatedBuffer() {}

    /**
     * @param length bytes of the buffer.
     * @param left bytes of the file.
     */
    public static ByteBuffer of(Path folder, int length, int left) throws IOException {
        Path path = Files.createTempFile(folder, "mapped", "");
        try (FileChannel channel =
                FileChannel.open(path, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
            MappedByteBuffer mapped = channel.map(FileChannel.MapMode.READ_WRITE, 0, length);
            channel.truncate(left);
            return mapped;
        }
    }
}
