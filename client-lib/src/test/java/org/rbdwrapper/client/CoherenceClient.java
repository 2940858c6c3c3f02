package org.rbdwrapper.client;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/**
 * Two processes that count in turn, each in its own block of one image: what one has had
 * acknowledged, the other must read at its next look. First this process only reads, then it
 * writes, too.
 *
 * <p>Arguments: run directory, path.
 */
final class CoherenceClient {
    private static final int ROUNDS = 200;
    private static final int BLOCK = 4096;
    private static final long TIMEOUT_NANOS = 30_000_000_000L;

    private CoherenceClient() {}

    public static void main(String[] args) throws IOException {
        Path runDir = Path.of(args[0]);
        try (RbdFile reader = RbdFile.openAt(runDir, args[1], StandardOpenOption.READ)) {
            if (number(reader, 1) != 0) {
                throw new IllegalStateException("the image is not new");
            }
            System.out.println("reading");
            await(reader, 1, 1);
            try (RbdFile writer = RbdFile.openAt(runDir, args[1])) {
                pingPong(writer, 0);
            }
        }
    }

    /** Counts up when the other has counted up. */
    static void pingPong(RbdFile file, int side) throws IOException {
        for (long round = 1; round <= ROUNDS; round++) {
            if (side == 0) {
                await(file, 1, round);
            }
            ByteBuffer block = ByteBuffer.allocate(BLOCK);
            while (block.hasRemaining()) {
                block.putLong(round);
            }
            file.write(block.flip(), (long) side * BLOCK);
            if (side == 1) {
                await(file, 0, round);
            }
        }
    }

    private static void await(RbdFile file, int side, long wanted) throws IOException {
        long deadline = System.nanoTime() + TIMEOUT_NANOS;
        long found;
        while ((found = number(file, side)) < wanted) {
            if (System.nanoTime() > deadline) {
                throw new IllegalStateException(
                        "side " + side + " is at " + found + ", not " + wanted);
            }
        }
    }

    private static long number(RbdFile file, int side) throws IOException {
        ByteBuffer block = ByteBuffer.allocate(BLOCK);
        file.read(block, (long) side * BLOCK);
        return block.flip().getLong();
    }
}
