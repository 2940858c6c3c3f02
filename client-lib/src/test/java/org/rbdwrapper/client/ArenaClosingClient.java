package org.rbdwrapper.client;

import java.lang.foreign.Arena;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;

/**
 * A program that closes the arenas of its buffers while another thread, or the library, reads into
 * them and writes from them. It prints how many operations were refused for that.
 *
 * <p>Arguments: run directory, path.
 */
public final class ArenaClosingClient {
    private static final int LENGTH = 1024 * 1024;
    private static final int ROUNDS = 400;

    private ArenaClosingClient() {}

    @SuppressWarnings("MustBeClosedChecker") // another thread closes it
    public static void main(String[] args) throws Exception {
        int refused = 0;
        try (RbdFile file = RbdFile.openAt(Path.of(args[0]), args[1])) {
            for (int round = 0; round < ROUNDS; round++) {
                Arena arena = Arena.ofShared();
                ByteBuffer buffer = arena.allocate(LENGTH).asByteBuffer();
                int after = round * 2000;
                Thread closer =
                        Thread.ofPlatform()
                                .start(
                                        () -> {
                                            long until = System.nanoTime() + after;
                                            while (System.nanoTime() < until) {
                                                Thread.onSpinWait();
                                            }
                                            close(arena);
                                        });
                try {
                    transfer(file, round, buffer);
                } catch (CompletionException e) {
                    if (!(e.getCause() instanceof IllegalStateException)) {
                        throw e;
                    }
                    refused++;
                } catch (IllegalStateException e) {
                    refused++;
                }
                Thread.interrupted(); // the JVM interrupts whom it keeps from a closed arena
                closer.join();
                close(arena);
            }
            file.readAsync(ByteBuffer.allocate(1), 0).get(30, TimeUnit.SECONDS);
            file.read(ByteBuffer.allocate(1), 0);
        }
        System.out.println("refused " + refused);
    }

    private static void transfer(RbdFile file, int round, ByteBuffer buffer) throws Exception {
        switch (round % 4) {
            case 0 -> file.read(buffer, 0);
            case 1 -> file.write(buffer, 0);
            case 2 -> file.readAsync(buffer, 0).join();
            default -> file.writeAsync(buffer, 0).join();
        }
    }

    /** As often as it is refused, for a copy is under way. */
    private static void close(Arena arena) {
        while (arena.scope().isAlive()) {
            try {
                arena.close();
            } catch (IllegalStateException e) {
                Thread.onSpinWait();
            }
        }
    }
}
