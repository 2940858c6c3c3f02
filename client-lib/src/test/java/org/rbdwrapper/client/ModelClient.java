package org.rbdwrapper.client;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;

/**
 * A process whose threads do random operations on an image and the same on a plain file, and
 * compare what they read. Each thread has stripes of its own, so that the file is a model of the
 * image at every moment; neighbouring stripes belong to threads of other processes, so that
 * objects, sectors and pages are shared by all.
 *
 * <p>Arguments: run directory, path, model file, image size, number of this client, clients,
 * threads, seconds, seed.
 */
public final class ModelClient {
    /** Odd, so that stripes begin anywhere in sectors and pages. */
    private static final int STRIPE = 300_007;

    /** Beyond the stripes each thread has one large region for transfers that must be split. */
    private static final int LARGE = 5 * 1024 * 1024 + 13;

    /** They have their data where the broker does; the buffers of a process hold no more. */
    private static final int IN_PLACE_THREADS = 2;

    private final RbdFile image;
    private final FileChannel model;
    private final long largeStart;
    private final int threads;
    private final AtomicLong operations = new AtomicLong();
    private final AtomicReference<Throwable> failure = new AtomicReference<>();

    private ModelClient(RbdFile image, FileChannel model, long size, int threads) {
        this.image = image;
        this.model = model;
        this.threads = threads;
        this.largeStart = size - (long) threads * LARGE;
    }

    public static void main(String[] args) throws Exception {
        Path runDir = Path.of(args[0]);
        Path modelFile = Path.of(args[2]);
        long size = Long.parseLong(args[3]);
        int client = Integer.parseInt(args[4]);
        int clients = Integer.parseInt(args[5]);
        int threads = Integer.parseInt(args[6]);
        long seconds = Long.parseLong(args[7]);
        long seed = Long.parseLong(args[8]);
        try (RbdFile image = RbdFile.openAt(runDir, args[1]);
                FileChannel model =
                        FileChannel.open(
                                modelFile, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
            ModelClient all = new ModelClient(image, model, size, clients * threads);
            System.out.println("open");
            all.run(client * threads, threads, seconds, seed);
            System.out.println("operations " + all.operations.get());
        }
    }

    private void run(int firstThread, int count, long seconds, long seed) throws Exception {
        long deadline = System.nanoTime() + seconds * 1_000_000_000L;
        List<Thread> running = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            int thread = firstThread + i;
            boolean inPlace = i < IN_PLACE_THREADS;
            Runnable work = () -> work(thread, inPlace, deadline, seed);
            // one of the threads is a virtual one
            running.add(
                    i == count - 1
                            ? Thread.startVirtualThread(work)
                            : Thread.ofPlatform().start(work));
        }
        for (Thread thread : running) {
            thread.join();
        }
        if (failure.get() != null) {
            throw new IllegalStateException("seed " + seed, failure.get());
        }
    }

    private void work(int thread, boolean inPlace, long deadline, long seed) {
        if (!inPlace) {
            work(thread, ByteBuffer.allocateDirect(LARGE), deadline, seed);
            return;
        }
        try (RbdBuffer shared = image.allocate(LARGE)) {
            work(thread, shared.bytes(), deadline, seed);
        } catch (IOException e) {
            failure.compareAndSet(null, e);
        }
    }

    private void work(int thread, ByteBuffer buffer, long deadline, long seed) {
        SplittableRandom random = new SplittableRandom(seed * 1000 + thread);
        ByteBuffer expected = ByteBuffer.allocate(LARGE);
        try {
            while (System.nanoTime() < deadline && failure.get() == null) {
                operate(thread, random, buffer, expected);
                operations.incrementAndGet();
            }
        } catch (Throwable t) {
            failure.compareAndSet(null, t);
        }
    }

    private void operate(
            int thread, SplittableRandom random, ByteBuffer buffer, ByteBuffer expected)
            throws IOException {
        boolean large = random.nextInt(50) == 0;
        long start;
        int room;
        if (large) {
            start = largeStart + (long) thread * LARGE;
            room = LARGE;
        } else {
            long stripes = largeStart / STRIPE / threads;
            start = (random.nextLong(stripes) * threads + thread) * STRIPE;
            room = STRIPE;
        }
        int length = 1 + random.nextInt(random.nextBoolean() ? Math.min(room, 8192) : room);
        long position = start + random.nextInt(room - length + 1);
        switch (random.nextInt(12)) {
            case 0 -> {
                image.writeZeroes(position, length);
                zeroModel(position, length);
            }
            case 1 -> {
                // what a discard leaves is the store's business: it is only followed by a write of
                // the same range
                image.discard(position, length);
                write(position, length, random, buffer);
            }
            case 2 -> image.force();
            case 3, 4, 5, 6 -> write(position, length, random, buffer);
            default -> read(position, length, random, buffer, expected);
        }
    }

    private void write(long position, int length, SplittableRandom random, ByteBuffer buffer)
            throws IOException {
        buffer.clear().limit(length);
        SplittableRandom content = random.split();
        while (buffer.remaining() >= 8) {
            buffer.putLong(content.nextLong());
        }
        while (buffer.hasRemaining()) {
            buffer.put((byte) content.nextInt());
        }
        buffer.flip();
        int done =
                random.nextBoolean()
                        ? image.write(buffer, position)
                        : image.writeAsync(buffer, position).join();
        require(done == length && !buffer.hasRemaining(), "write", position, length, done);
        buffer.flip();
        while (buffer.hasRemaining()) {
            model.write(buffer, position + buffer.position());
        }
    }

    private void read(
            long position,
            int length,
            SplittableRandom random,
            ByteBuffer buffer,
            ByteBuffer expected)
            throws IOException {
        buffer.clear().limit(length);
        int done =
                random.nextBoolean()
                        ? image.read(buffer, position)
                        : image.readAsync(buffer, position).join();
        require(done == length && !buffer.hasRemaining(), "read", position, length, done);
        buffer.flip();
        expected.clear().limit(length);
        while (expected.hasRemaining()) {
            if (model.read(expected, position + expected.position()) < 0) {
                throw new IOException("the model is too short");
            }
        }
        expected.flip();
        int difference = buffer.mismatch(expected);
        require(difference < 0, "content of read", position, length, difference);
    }

    private void zeroModel(long position, int length) throws IOException {
        ByteBuffer zeroes = ByteBuffer.allocate(length);
        while (zeroes.hasRemaining()) {
            model.write(zeroes, position + zeroes.position());
        }
    }

    private static void require(boolean holds, String what, long position, int length, int found) {
        if (!holds) {
            throw new IllegalStateException(
                    what + " of " + length + " bytes at " + position + ": " + found);
        }
    }
}
