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
 * Uses two images from the last frames of threads' stacks, where any call may throw, and looks
 * after each thread whether the others still can, whether each file is that of its image, and, at
 * the end, whether all is closed.
 *
 * <p>Arguments: run directory, path of an image of 1 MiB, of one of 2 MiB, seed, rounds. It ends
 * when it is told so.
 */
public final class DeepStackClient {
    private static final int BLOCK = 4096;
    private static final int STACK_BYTES = 256 * 1024;
    private static final int ATTEMPTS = 60; // some frames further up nothing is thrown
    private static final int OPERATIONS = 8;
    private static final int MIB = 1 << 20;
    private static final int WARM_UP = 100;
    private static final int PATIENCE_SECONDS = 20;

    private final Path runDir;
    private final String otherPath;
    private final RbdFile file;
    private final RbdFile other;
    private final Random random;
    private final List<CompletableFuture<?>> futures = new ArrayList<>();
    private final List<AutoCloseable> toBeClosed = new ArrayList<>();
    private int attempts;
    private long thrown;
    private long done;

    private DeepStackClient(
            Path runDir, String otherPath, RbdFile file, RbdFile other, Random random) {
        this.runDir = runDir;
        this.otherPath = otherPath;
        this.file = file;
        this.other = other;
        this.random = random;
    }

    public static void main(String[] args) throws Exception {
        Random random = new Random(Long.parseLong(args[3]));
        DeepStackClient client;
        Path runDir = Path.of(args[0]);
        try (RbdFile file = RbdFile.openAt(runDir, args[1]);
                RbdFile other = RbdFile.openAt(runDir, args[2])) {
            client = new DeepStackClient(runDir, args[2], file, other, random);
            client.useAll(); // a class whose first use is at the stack's end is lost to its JVM
            System.out.println("in use");
            for (int round = 0; round < Integer.parseInt(args[4]); round++) {
                client.diveAndLook();
            }
        }
        if (client.thrown == 0 || client.done == 0) {
            throw new AssertionError("thrown " + client.thrown + ", done " + client.done);
        }
        System.out.println("all closed");
        int _ = System.in.read();
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
        for (AutoCloseable left : toBeClosed) {
            left.close();
        }
        toBeClosed.clear();
        ByteBuffer block = ByteBuffer.allocateDirect(BLOCK);
        for (int i = 0; i < 4; i++) { // whatever channel
            CompletableFuture.supplyAsync(() -> read(block.duplicate()))
                    .get(PATIENCE_SECONDS, TimeUnit.SECONDS);
        }
        file.readAsync(block, 0).get(PATIENCE_SECONDS, TimeUnit.SECONDS);
        file.forceAsync().get(PATIENCE_SECONDS, TimeUnit.SECONDS);
        checkSizes();
    }

    private void checkSizes() throws IOException {
        if (file.size() != MIB || other.size() != 2 * MIB) {
            throw new AssertionError("one image's answer was taken for the other's");
        }
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
            case 3 -> openOther();
            case 4 -> checkSizes();
            case 5 -> useOwnMemory();
            case 6 -> futures.add(file.writeAsync(ByteBuffer.allocate(BLOCK), BLOCK));
            default -> futures.add(file.forceAsync());
        }
    }

    /** One that could not be closed yet can be closed again. */
    private void openOther() throws IOException {
        RbdFile opened = RbdFile.openAt(runDir, otherPath);
        toBeClosed.add(opened);
        opened.close();
        toBeClosed.removeLast();
    }

    private void useOwnMemory() throws IOException {
        RbdBuffer buffer = file.allocate(BLOCK);
        toBeClosed.add(buffer);
        buffer.close();
        toBeClosed.removeLast();
    }
}
