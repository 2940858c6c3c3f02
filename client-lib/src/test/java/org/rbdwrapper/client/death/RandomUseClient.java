package org.rbdwrapper.client.death;

import static java.nio.file.StandardOpenOption.DSYNC;
import static java.nio.file.StandardOpenOption.READ;
import static java.nio.file.StandardOpenOption.WRITE;

import org.rbdwrapper.client.RbdBuffer;
import org.rbdwrapper.client.RbdFile;
import org.rbdwrapper.client.TruncatedBuffer;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
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
 * Uses images from several threads, also virtual ones, in every way that a program can, while these
 * are interrupted, futures are given up, files and arenas closed, and, where that is wanted, memory
 * is short; the broker is somebody else's to kill. Each future completes, what is read of an image
 * was written to that one, a buffer that the program has back is not touched any more, and at the
 * end no more is held than after a while of quiet use.
 *
 * <p>Arguments: run directory, a folder, seed, seconds, whether memory is to be short, and the
 * images' paths. It ends when it is told so.
 */
public final class RandomUseClient {
    private static final int THREADS = 8;
    private static final int VIRTUAL = 3; // of these
    static final int SIZE = 8 << 20; // of the first image; each has a MiB more than the one before
    static final int IMAGES = 3;
    private static final byte POISON = 0x55; // in what is the program's
    private static final int GIVEN_BACK = 64;
    private static final int MOST = 96 << 10; // of a transfer
    private static final int TRUNCATED_LENGTH = 65_536;
    private static final int REMEMBERED = 256;
    private static final long QUIET_MILLIS = 3000;
    private static final int PATIENCE_SECONDS = 60;

    private final Path runDir;
    private final List<String> paths;
    private final Path folder;
    private final AtomicReference<Throwable> wrong = new AtomicReference<>();
    private final AtomicLong done = new AtomicLong();
    private final AtomicLong failed = new AtomicLong();
    private final boolean shortMemory;
    private volatile boolean stop;

    private RandomUseClient(String[] args) {
        runDir = Path.of(args[0]);
        folder = Path.of(args[1]);
        shortMemory = Boolean.parseBoolean(args[4]);
        paths = List.of(args).subList(5, args.length);
    }

    public static void main(String[] args) throws Exception {
        RandomUseClient client = new RandomUseClient(args);
        long seed = Long.parseLong(args[2]);
        client.run(seed, QUIET_MILLIS, false);
        Map<String, Integer> before = client.holdings();
        System.out.println("quiet"); // from now on the broker may be killed
        client.run(seed + 1, 1000 * Long.parseLong(args[3]), true);
        System.out.println("at rest"); // and from now on no more
        client.awaitHoldings(before);
        System.out.println("all closed");
        int _ = System.in.read();
        System.out.println(client.done + " done, " + client.failed + " failed");
    }

    private void run(long seed, long millis, boolean disturbed) throws Exception {
        stop = false;
        Thread[] users = new Thread[THREADS];
        for (int i = 0; i < THREADS; i++) {
            Random random = new Random(seed * THREADS + i);
            User user = new User(random, disturbed);
            Thread.Builder builder = i < VIRTUAL ? Thread.ofVirtual() : Thread.ofPlatform();
            users[i] = builder.name("user-" + i).start(() -> run(user));
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
        private final ByteBuffer[] buffers = new ByteBuffer[REMEMBERED];
        private final byte[] marks = new byte[REMEMBERED]; // of what is read; 0: it is written
        private final ByteBuffer[] givenBack = new ByteBuffer[GIVEN_BACK];
        private final int[] positions = new int[GIVEN_BACK];
        private int next;
        private int nextGivenBack;
        private int image;
        private RbdFile file;

        User(Random random, boolean disturbed) {
            this.random = random;
            this.disturbed = disturbed;
        }

        void run() throws Exception {
            while (!stop) {
                try {
                    if (file == null) {
                        open();
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

        private void open() throws IOException {
            image = random.nextInt(paths.size());
            file =
                    random.nextInt(3) == 0
                            ? RbdFile.openAt(runDir, paths.get(image), READ, WRITE, DSYNC)
                            : RbdFile.openAt(runDir, paths.get(image));
        }

        /** Of all that is written to its image. */
        private byte mark() {
            return (byte) (1 + image);
        }

        private void use() throws Exception {
            int position = random.nextInt(SIZE / 512) * 512;
            int length = 1 + random.nextInt(random.nextBoolean() ? 4096 : MOST);
            switch (random.nextInt(12)) {
                case 0, 1 -> useAndTakeBack(buffer(length), position, true);
                case 2, 3 -> useAndTakeBack(buffer(length), position, false);
                case 4, 5 -> beginWith(buffer(length), position, true);
                case 6, 7 -> beginWith(buffer(length), position, false);
                case 8 -> begin(file.forceAsync());
                case 9 -> useOwnMemory(length, position);
                case 10 -> useOther(position);
                default -> useArena(length, position);
            }
        }

        /** Waits for it; the buffer is the program's again, whatever is thrown. */
        private void useAndTakeBack(ByteBuffer buffer, int position, boolean reads)
                throws IOException {
            try {
                if (reads) {
                    file.read(buffer, position);
                    checkRead(buffer, mark());
                } else {
                    file.write(buffer, position);
                }
            } finally {
                giveBack(buffer);
            }
        }

        private void beginWith(ByteBuffer buffer, int position, boolean reads) {
            CompletableFuture<?> future =
                    reads ? file.readAsync(buffer, position) : file.writeAsync(buffer, position);
            buffers[next] = buffer;
            marks[next] = reads ? mark() : 0;
            begin(future);
        }

        /** What was begun there is over. */
        private void takeBack(int index, boolean isDone) {
            ByteBuffer buffer = buffers[index];
            buffers[index] = null;
            if (buffer != null) {
                if (isDone && marks[index] != 0) {
                    checkRead(buffer, marks[index]);
                }
                giveBack(buffer);
            }
        }

        private static boolean isTruncated(ByteBuffer buffer) {
            return buffer.isDirect() && buffer.capacity() == TRUNCATED_LENGTH;
        }

        /** It is the program's again. */
        private void giveBack(ByteBuffer buffer) {
            if (isTruncated(buffer)) {
                return;
            }
            int index = nextGivenBack;
            nextGivenBack = (index + 1) % GIVEN_BACK;
            checkUntouched(index);
            for (int i = 0; i < buffer.limit(); i++) {
                buffer.put(i, POISON);
            }
            givenBack[index] = buffer;
            positions[index] = buffer.position();
        }

        private void checkUntouched(int index) {
            ByteBuffer buffer = givenBack[index];
            givenBack[index] = null;
            if (buffer == null) {
                return;
            }
            boolean isUntouched = buffer.position() == positions[index];
            for (int i = 0; i < buffer.limit(); i++) {
                isUntouched &= buffer.get(i) == POISON;
            }
            if (!isUntouched) {
                throw new AssertionError("a buffer was touched after its call had ended");
            }
        }

        private void checkRead(ByteBuffer buffer, byte mark) {
            for (int i = 0; i < buffer.position(); i++) {
                byte found = buffer.get(i);
                if (found != 0 && found != mark) {
                    throw new AssertionError("read " + found + " of image " + mark);
                }
            }
        }

        private void checkSize() throws IOException {
            long size = file.size();
            if (size != SIZE + ((long) image << 20)) {
                throw new AssertionError(size + " is the size of image " + image);
            }
        }

        private void useOther(int position) throws IOException {
            switch (random.nextInt(5)) {
                case 0 -> file.force();
                case 1 -> checkSize();
                case 2 -> file.discard(position, 4096);
                case 3 -> file.writeZeroes(position, 4096);
                default -> close();
            }
        }

        private void useOwnMemory(int length, int position) throws IOException {
            try (RbdBuffer buffer = file.allocate(length)) {
                fill(buffer.bytes());
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
            fill(buffer);
            if (random.nextBoolean()) {
                begin(file.readAsync(buffer, position));
                arena.close();
            } else {
                CompletableFuture<Void> closing = CompletableFuture.runAsync(arena::close);
                begin(closing);
                file.write(buffer, position);
            }
        }

        private void fill(ByteBuffer buffer) {
            for (int i = buffer.position(); i < buffer.limit(); i++) {
                buffer.put(i, mark());
            }
        }

        private ByteBuffer buffer(int length) throws IOException {
            if (disturbed && random.nextInt(100) == 0) {
                return TruncatedBuffer.of(folder, TRUNCATED_LENGTH, 4096);
            }
            ByteBuffer buffer = heapOrDirect(length);
            fill(buffer);
            return buffer;
        }

        private ByteBuffer heapOrDirect(int length) {
            return switch (random.nextInt(4)) {
                case 0, 1 -> ByteBuffer.allocate(length);
                case 2 -> ByteBuffer.allocateDirect(length);
                default -> ByteBuffer.allocate(length + 7).slice(7, length);
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
                    takeBack(index, true);
                } catch (ExecutionException e) {
                    begun[index] = null;
                    takeBack(index, false);
                    onThrown(e.getCause());
                } catch (CancellationException e) {
                    begun[index] = null;
                    takeBack(index, false);
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
