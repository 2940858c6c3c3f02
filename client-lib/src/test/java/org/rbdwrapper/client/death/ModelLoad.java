package org.rbdwrapper.client.death;

import org.rbdwrapper.client.RbdFile;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Threads that write random blocks of an image and read them back, each in a part of its own, and
 * know what it holds. An error or a difference ends them.
 */
final class ModelLoad implements AutoCloseable {
    private static final int THREADS = 4;
    private static final int BLOCK = 4096;
    private static final int PROGRESS = 200;

    /** A thread each: they wait, and would hold those of a pool. */
    private static final Executor THREAD = task -> Thread.ofPlatform().daemon().start(task);

    private final AtomicBoolean stop = new AtomicBoolean();
    private final AtomicLong operations = new AtomicLong();
    private final List<CompletableFuture<Void>> threads = new ArrayList<>();
    private final RbdFile file;
    private final byte[] model;

    private ModelLoad(RbdFile file, int size) {
        this.file = file;
        this.model = new byte[size];
    }

    /**
     * @param size of the image, which has not been written.
     */
    static ModelLoad start(Path runDir, String path, int size) throws Exception {
        ModelLoad load = new ModelLoad(RbdFile.openAt(runDir, path), size);
        for (int i = 0; i < THREADS; i++) {
            int thread = i;
            load.threads.add(CompletableFuture.runAsync(() -> load.work(thread), THREAD));
        }
        load.awaitProgress();
        return load;
    }

    long operations() {
        return operations.get();
    }

    boolean hasFailed() {
        return threads.stream().anyMatch(CompletableFuture::isCompletedExceptionally);
    }

    /** Some more are done; returns at once where a thread has failed, which {@link #end} says. */
    void awaitProgress() throws InterruptedException {
        long wanted = operations.get() + PROGRESS;
        while (operations.get() < wanted && !hasFailed()) {
            Thread.sleep(5);
        }
    }

    /** What the image holds; fails where a thread has. */
    byte[] end() throws Exception {
        stop.set(true);
        threads.forEach(CompletableFuture::join);
        file.force();
        return model;
    }

    @Override
    public void close() throws IOException {
        stop.set(true);
        file.close();
    }

    private void work(int thread) {
        SplittableRandom random = new SplittableRandom(thread);
        int part = model.length / THREADS;
        byte[] bytes = new byte[BLOCK];
        ByteBuffer back = ByteBuffer.allocate(BLOCK);
        try {
            while (!stop.get()) {
                int position = thread * part + random.nextInt(part - BLOCK);
                random.nextBytes(bytes);
                file.write(ByteBuffer.wrap(bytes), position);
                System.arraycopy(bytes, 0, model, position, BLOCK);
                int other = thread * part + random.nextInt(part - BLOCK);
                file.read(back.clear(), other);
                if (!back.flip().equals(ByteBuffer.wrap(model, other, BLOCK))) {
                    throw new IllegalStateException("other bytes at " + other);
                }
                operations.incrementAndGet();
            }
        } catch (Exception e) {
            throw new IllegalStateException("thread " + thread, e);
        }
    }
}
