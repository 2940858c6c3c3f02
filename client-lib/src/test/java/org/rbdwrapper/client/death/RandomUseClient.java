package org.rbdwrapper.client.death;

import org.rbdwrapper.client.RbdBuffer;
import org.rbdwrapper.client.RbdFile;
import org.rbdwrapper.client.TruncatedBuffer;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Stream;

/**
 * Uses an image from several threads in every way that a program can, while these are interrupted,
 * futures are given up, files and arenas closed, and, where that is wanted, memory is short; the
 * broker is somebody else's to kill. Each future completes, and at the end no more is held than
 * after a while of quiet use.
 *
 * <p>Arguments: run directory, path, a folder, seed, seconds, and whether memory is to be short.
 */
public final class RandomUseClient {
    private static final int THREADS = 8;
    private static final int SIZE = 8 << 20; // of the image
    private static final int MOST = 96 << 10; // of a transfer
    private static final int REMEMBERED = 256;
    private static final long QUIET_MILLIS = 3000;
    private static final int PATIENCE_SECONDS = 60;

    private final Path runDir;
    private final String path;
    private final Path folder;
    private final AtomicReference<Throwable> wrong = new AtomicReference<>();
    private final AtomicLong done = new AtomicLong();
    private final AtomicLong failed = new AtomicLong();
    private final boolean shortMemory;
    private volatile boolean stop;

    private RandomUseClient(String[] args) {
        runDir = Path.of(args[0]);
        path = args[1];
        folder = Path.of(args[2]);
        shortMemory = Boolean.parseBoolean(args[5]);
    }

    public static void main(String[] args) throws Exception {
        RandomUseClient client = new RandomUseClient(args);
        long seed = Long.parseLong(args[3]);
        client.run(seed, QUIET_MILLIS, false);
        Map<String, Integer> before = client.holdings();
        System.out.println("quiet"); // from now on the broker may be killed
        client.run(seed + 1, 1000 * Long.parseLong(args[4]), true);
        System.out.println("at rest"); // and from now on no more
        client.awaitHoldings(before);
        System.out.println(client.done + " done, " + client.failed + " failed");
    }

    private void run(long seed, long millis, boolean disturbed) throws Exception {
        stop = false;
        Thread[] users = new Thread[THREADS];
        for (int i = 0; i < THREADS; i++) {
            Random random = new Random(seed * THREADS + i);
            User user = new User(random, disturbed);
            users[i] = Thread.ofPlatform().name("user-" + i).start(() -> run(user));
        }
        long deadline = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(millis);
        Random random = new Random(seed);
        while (System.nanoTime() < deadline && wrong.get() == null) {
            Thread.sleep(random.nextInt(20));
            if (disturbed) {
                users[random.nextInt(THREADS)].interrupt();
                if (shortMemory && random.nextInt(20) == 0) {
                    useAllMemory();
                }
            }
        }
        stop = true;
        for (Thread user : users) {
            user.join(TimeUnit.SECONDS.toMillis(2 * PATIENCE_SECONDS));
            if (user.isAlive()) {
                Exception where = new Exception(user.getName() + " goes on for ever");
                where.setStackTrace(user.getStackTrace());
                throw where;
            }
        }
        if (wrong.get() != null) {
            throw new AssertionError(wrong.get());
        }
    }

    private void run(User user) {
        try {
            user.run();
        } catch (Throwable t) {
            wrong.compareAndSet(null, t);
        }
    }

    /** For some moments nobody gets any. */
    private static void useAllMemory() {
        Object[] all = new Object[4096];
        int n = 0;
        int size = 1 << 20;
        while (n < all.length && size >= 1024) {
            try {
                all[n++] = new byte[size];
            } catch (OutOfMemoryError e) {
                size /= 2;
            }
        }
    }

    /** One thread, with a file of its own. */
    private final class User {
        private final Random random;
        private final boolean disturbed;
        private final CompletableFuture<?>[] begun = new CompletableFuture<?>[REMEMBERED];
        private int next;
        private RbdFile file;

        User(Random random, boolean disturbed) {
            this.random = random;
            this.disturbed = disturbed;
        }

        void run() throws Exception {
            while (!stop) {
                try {
                    if (file == null) {
                        file = RbdFile.openAt(runDir, path);
                    }
                    use();
                    done.incrementAndGet();
                } catch (Throwable t) {
                    onThrown(t);
                }
            }
            for (int i = 0; i < REMEMBERED; i++) {
                awaitNext();
            }
            while (file != null) {
                close();
            }
        }

        private void use() throws Exception {
            int position = random.nextInt(SIZE / 512) * 512;
            int length = 1 + random.nextInt(random.nextBoolean() ? 4096 : MOST);
            switch (random.nextInt(12)) {
                case 0, 1 -> file.read(buffer(length), position);
                case 2, 3 -> file.write(buffer(length), position);
                case 4, 5 -> begin(file.readAsync(buffer(length), position));
                case 6, 7 -> begin(file.writeAsync(buffer(length), position));
                case 8 -> begin(file.forceAsync());
                case 9 -> useOwnMemory(length, position);
                case 10 -> useOther(position);
                default -> useArena(length, position);
            }
        }

        private void useOther(int position) throws IOException {
            switch (random.nextInt(5)) {
                case 0 -> file.force();
                case 1 -> file.size();
                case 2 -> file.discard(position, 4096);
                case 3 -> file.writeZeroes(position, 4096);
                default -> close();
            }
        }

        private void useOwnMemory(int length, int position) throws IOException {
            try (RbdBuffer buffer = file.allocate(length)) {
                begin(
                        random.nextBoolean()
                                ? file.readAsync(buffer.bytes(), position)
                                : file.writeAsync(buffer.bytes(), position));
                if (random.nextBoolean()) {
                    awaitLast();
                }
            }
        }

        /** Closed at any instant. */
        @SuppressWarnings("MustBeClosedChecker") // by another thread
        private void useArena(int length, int position) throws IOException {
            Arena arena = Arena.ofShared();
            ByteBuffer buffer = arena.allocate(length).asByteBuffer();
            if (random.nextBoolean()) {
                begin(file.readAsync(buffer, position));
                arena.close();
            } else {
                CompletableFuture<Void> closing = CompletableFuture.runAsync(arena::close);
                begin(closing);
                file.write(buffer, position);
            }
        }

        private ByteBuffer buffer(int length) throws IOException {
            return switch (random.nextInt(disturbed ? 5 : 4)) {
                case 0, 1 -> ByteBuffer.allocate(length);
                case 2 -> ByteBuffer.allocateDirect(length);
                case 3 -> ByteBuffer.allocate(length + 7).slice(7, length);
                default ->
                        random.nextInt(20) == 0
                                ? TruncatedBuffer.of(folder, 65_536, 4096)
                                : ByteBuffer.allocate(length);
            };
        }

        /** The one that was begun before as many others is to be done by now. */
        private void begin(CompletableFuture<?> future) {
            begun[next] = future;
            int last = next;
            next = (next + 1) % REMEMBERED;
            switch (random.nextInt(disturbed ? 12 : 8)) {
                case 8 -> future.cancel(true);
                case 9 -> future.orTimeout(random.nextInt(20), TimeUnit.MILLISECONDS);
                case 10 -> future.completeExceptionally(new IOException("of the program"));
                default -> {
                    if (random.nextInt(4) == 0) {
                        await(last);
                    }
                }
            }
            await(next);
        }

        private void awaitLast() {
            await((next + REMEMBERED - 1) % REMEMBERED);
        }

        private void awaitNext() {
            await(next);
            next = (next + 1) % REMEMBERED;
        }

        private void await(int index) {
            long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(PATIENCE_SECONDS);
            while (begun[index] != null) {
                try {
                    begun[index].get(PATIENCE_SECONDS, TimeUnit.SECONDS);
                    begun[index] = null;
                } catch (ExecutionException e) {
                    begun[index] = null;
                    onThrown(e.getCause());
                } catch (CancellationException e) {
                    begun[index] = null;
                } catch (InterruptedException | OutOfMemoryError e) {
                    // again
                } catch (TimeoutException e) {
                    throw new AssertionError("it never completes: " + begun[index], e);
                }
                if (System.nanoTime() > deadline && begun[index] != null) {
                    throw new AssertionError("it never completes: " + begun[index]);
                }
            }
        }

        private void close() {
            try {
                RbdFile closed = file;
                closed.close();
                file = null;
            } catch (Throwable t) {
                onThrown(t);
            }
        }

        /** Nothing else is to be thrown. */
        private void onThrown(Throwable thrown) {
            failed.incrementAndGet();
            switch (thrown) {
                case AssertionError e -> throw e;
                case IOException e -> {}
                case IllegalStateException e -> {} // an arena was closed
                case TimeoutException e -> {}
                case InternalError e -> {} // a file was truncated
                case OutOfMemoryError e -> {}
                default -> throw new AssertionError("unexpected", thrown);
            }
        }
    }

    private void awaitHoldings(Map<String, Integer> before) throws Exception {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(PATIENCE_SECONDS);
        while (true) {
            Map<String, Integer> now = holdings();
            if (now.keySet().stream()
                    .allMatch(what -> now.get(what) <= before.getOrDefault(what, 0))) {
                return; // sessions may have ended that were idle
            }
            if (System.nanoTime() > deadline) {
                throw new AssertionError("held " + before + ", and now " + now);
            }
            Thread.sleep(200);
        }
    }

    /** Of this process: sockets and their like, threads of the library, segments. */
    private Map<String, Integer> holdings() throws IOException {
        System.gc(); // mapped files go with their buffers
        Map<String, Integer> held = new TreeMap<>();
        try (Stream<Path> descriptors = Files.list(Path.of("/proc/self/fd"))) {
            for (Path descriptor : descriptors.toList()) {
                try {
                    String what = Files.readSymbolicLink(descriptor).toString();
                    if (!what.startsWith("/")) { // the JVM's own are files
                        held.merge("descriptor " + what.replaceAll("\\d+", "N"), 1, Integer::sum);
                    }
                } catch (IOException e) {
                    // that of the listing
                }
            }
        }
        for (Thread thread : Thread.getAllStackTraces().keySet()) {
            if (thread.getName().startsWith("rbdw-")) {
                held.merge("thread " + thread.getName(), 1, Integer::sum);
            }
        }
        try (Stream<String> maps = Files.lines(Path.of("/proc/self/maps"))) {
            maps.filter(line -> line.contains("memfd:"))
                    .forEach(line -> held.merge("segment mapped", 1, Integer::sum));
        }
        return held;
    }
}
