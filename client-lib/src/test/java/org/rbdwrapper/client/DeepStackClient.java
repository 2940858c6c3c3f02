package org.rbdwrapper.client;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;

/**
 * Uses an image from the last frames of threads' stacks, where any call may throw, and looks after
 * each thread whether the others still can.
 *
 * <p>Arguments: run directory, path, seed, rounds.
 */
public final class DeepStackClient {
    private static final int BLOCK = 4096;
    private static final int STACK_BYTES = 256 * 1024;
    private static final int ATTEMPTS = 60; // some frames further up nothing is thrown
    private static final int OPERATIONS = 5;
    private static final int WARM_UP = 100;
    private static final int PATIENCE_SECONDS = 20;

    private final RbdFile file;
    private final Random random;
    private final List<CompletableFuture<?>> futures = new ArrayList<>();
    private int attempts;
    private long thrown;
    private long done;

    private DeepStackClient(RbdFile file, Random random) {
        this.file = file;
        this.random = random;
    }

    public static void main(String[] args) throws Exception {
        Random random = new Random(Long.parseLong(args[2]));
        DeepStackClient client;
        try (RbdFile file = RbdFile.openAt(Path.of(args[0]), args[1])) {
            client = new DeepStackClient(file, random);
            client.useAll(); // a class whose first use is at the stack's end is lost to its JVM
            for (int round = 0; round < Integer.parseInt(args[3]); round++) {
                client.diveAndLook();
            }
        }
        if (client.thrown == 0 || client.done == 0) {
            throw new AssertionError("thrown " + client.thrown + ", done " + client.done);
        }
        System.out.println("thrown " + client.thrown + ", done " + client.done);
    }

    private void diveAndLook() throws Exception {
        attempts = 0;
        Thread diver = new Thread(null, this::dive, "diver", STACK_BYTES);
        diver.start();
        diver.join();
        look();
    }

    /** Whatever was begun ends, and others are served. */
    private void look() throws Exception {
        for (CompletableFuture<?> future : futures) {
            try {
                future.orTimeout(PATIENCE_SECONDS, TimeUnit.SECONDS).join();
            } catch (CompletionException e) {
                if (!(e.getCause() instanceof StackOverflowError)) {
                    throw e;
                }
            }
        }
        futures.clear();
        ByteBuffer block = ByteBuffer.allocateDirect(BLOCK);
        for (int i = 0; i < 4; i++) { // whatever channel
            CompletableFuture.supplyAsync(() -> read(block.duplicate()))
                    .get(PATIENCE_SECONDS, TimeUnit.SECONDS);
        }
        file.readAsync(block, 0).get(PATIENCE_SECONDS, TimeUnit.SECONDS);
        file.forceAsync().get(PATIENCE_SECONDS, TimeUnit.SECONDS);
    }

    private int read(ByteBuffer block) {
        try {
            return file.read(block, 0);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private void dive() {
        try {
            deeper(random.nextInt(4));
        } catch (StackOverflowError e) {
            // it was meant to
        }
    }

    /** From the stack's end upwards, each frame tries. */
    @SuppressWarnings("InfiniteRecursion") // it is meant to
    private long deeper(long padding) {
        try {
            return deeper(padding + 1) + padding;
        } catch (StackOverflowError e) {
            if (attempts++ < ATTEMPTS) {
                attempt();
            }
            throw e;
        }
    }

    private void attempt() {
        try {
            use(random.nextInt(OPERATIONS));
            done++;
        } catch (StackOverflowError e) {
            thrown++;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private void useAll() throws Exception {
        for (int i = 0; i < WARM_UP * OPERATIONS; i++) {
            use(i % OPERATIONS);
        }
        look();
    }

    private void use(int operation) throws IOException {
        switch (operation) {
            case 0 -> file.read(ByteBuffer.allocate(BLOCK), 0);
            case 1 -> file.write(ByteBuffer.allocate(BLOCK), BLOCK);
            case 2 -> futures.add(file.readAsync(ByteBuffer.allocate(BLOCK), 0));
            case 3 -> futures.add(file.writeAsync(ByteBuffer.allocate(BLOCK), BLOCK));
            default -> futures.add(file.forceAsync());
        }
    }
}
