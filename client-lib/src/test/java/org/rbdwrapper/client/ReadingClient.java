package org.rbdwrapper.client;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;

/**
 * Opens an image for reading and writing, and reads its first block until it is killed, or that
 * fails.
 *
 * <p>Arguments: run directory, path; and {@code stay}, where it is to say that it has failed and
 * live on without the image.
 */
public final class ReadingClient {
    private static final int BLOCK = 4096;

    private ReadingClient() {}

    public static void main(String[] args) throws Exception {
        try {
            read(args);
        } catch (IOException e) {
            if (args.length < 3) {
                throw e;
            }
            System.out.println("failed");
            Thread.sleep(Long.MAX_VALUE);
        }
    }

    private static void read(String... args) throws IOException {
        try (RbdFile file = RbdFile.openAt(Path.of(args[0]), args[1])) {
            ByteBuffer block = ByteBuffer.allocate(BLOCK);
            for (long reads = 0; ; reads++) {
                file.read(block.clear(), 0);
                if (reads == 0) {
                    System.out.println("reading");
                }
            }
        }
    }
}
