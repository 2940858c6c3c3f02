package org.rbdwrapper.broker.store;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.rbdwrapper.ipc.Errno;
import org.rbdwrapper.ipc.ErrnoException;
import org.rbdwrapper.ipc.ImageSpec;
import org.rbdwrapper.ipc.codec.IoOp;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.FutureTask;

/** What every store does alike: nobody above asks which one it has. */
public abstract class StoreContractTest {
    private static final long SIZE = 9 * 1024 * 1024 + 512;
    private static final int MAX_IO = 1024 * 1024;

    protected ImageStore store;
    protected StoreConnection connection;

    /** A store without images. */
    protected abstract ImageStore openStore() throws IOException, InterruptedException;

    @BeforeEach
    protected void open() throws IOException, InterruptedException {
        store = openStore();
        connection = store.connect("test");
    }

    @AfterEach
    protected void close() {
        connection.close();
        store.close();
    }

    @Test
    void shouldCreateAnImageThatReadsAsZeroes() throws Exception {
        ImageSpec spec = image("new");
        connection.create(spec, SIZE);
        ImageDetails details = connection.describe(spec);
        assertEquals(SIZE, details.size());
        assertEquals(0, details.snapshotCount());
        assertTrue(details.objectSize() >= 4096);
        assertTrue(!details.imageId().isEmpty());
        assertTrue(details.times().created() > 1_600_000_000_000_000_000L);
        try (StoreImage image = connection.open(spec, false);
                ImageIo io = new ImageIo(image, MAX_IO)) {
            assertEquals(SIZE, image.size());
            assertEquals(details.imageId(), image.imageId());
            assertEquals(details.objectSize(), image.objectSize());
            assertArrayEquals(new byte[MAX_IO], io.read(0, MAX_IO));
            assertArrayEquals(new byte[513], io.read(SIZE - 513, 513));
        }
    }

    @Test
    void shouldRefuseToCreateWhatIsThere() throws ErrnoException {
        connection.create(image("a"), SIZE);
        refused(Errno.EEXIST, "a", () -> connection.create(image("a"), SIZE));
    }

    @Test
    void shouldListNamesSorted() throws ErrnoException {
        assertEquals(List.of(), connection.list("rbd", namespace()));
        for (String name : List.of("b", "a", "a.b", "Ünïcode-名前", "c c")) {
            connection.create(image(name), 512);
        }
        assertEquals(
                List.of("a", "a.b", "b", "c c", "Ünïcode-名前"), connection.list("rbd", namespace()));
    }

    @Test
    void shouldSayWhatDoesNotExist() throws ErrnoException {
        connection.create(image("there"), SIZE);
        for (String missing : List.of("x", "there@snap")) {
            ImageSpec spec = image(missing);
            refused(Errno.ENOENT, missing, () -> connection.open(spec, true));
            refused(Errno.ENOENT, missing, () -> connection.describe(spec));
        }
        refused(Errno.ENOENT, "nopool", () -> connection.open(spec("nopool/x"), true));
        refused(Errno.ENOENT, "nons", () -> connection.open(spec("rbd/nons/x"), true));
        ImageSpec missing = image("x");
        refused(Errno.ENOENT, "x", () -> connection.open(missing, false));
        refused(Errno.ENOENT, "x", () -> connection.remove(missing, ProgressListener.NONE));
        refused(
                Errno.ENOENT,
                "x",
                () -> connection.resize(missing, 1024, false, ProgressListener.NONE));
        refused(Errno.ENOENT, "nopool", () -> connection.list("nopool", ""));
        assertEquals(List.of("there"), connection.list("rbd", namespace()));
    }

    @Test
    void shouldGiveEachImageItsOwnIdentity() throws ErrnoException {
        connection.create(image("a"), SIZE);
        connection.create(image("b"), SIZE);
        String first = connection.describe(image("a")).imageId();
        assertNotEquals(first, connection.describe(image("b")).imageId());
        connection.remove(image("a"), ProgressListener.NONE);
        connection.create(image("a"), SIZE);
        assertNotEquals(first, connection.describe(image("a")).imageId());
    }

    @Test
    void shouldOpenByIdentityNoOtherImageOfThatName() throws Exception {
        ImageSpec spec = image("a");
        connection.create(spec, SIZE);
        write(spec, 0, new byte[] {1});
        ImageRef ref = connection.identify(spec);
        assertEquals(connection.describe(spec).imageId(), ref.imageId());
        try (StoreImage image = connection.open(ref, false, ImageTuning.NONE)) {
            assertEquals(ref.imageId(), image.imageId());
        }
        assertEquals(SIZE, connection.describe(ref).size());
        assertEquals(
                ref.imageId(), connection.resize(spec, 2 * SIZE, false, ProgressListener.NONE));
        connection.remove(spec, ProgressListener.NONE);
        refused(Errno.ENOENT, "a", () -> connection.open(ref, false, ImageTuning.NONE));
        refused(Errno.ENOENT, "a", () -> connection.describe(ref));
        connection.create(spec, SIZE);
        refused(Errno.ESTALE, "a", () -> connection.open(ref, false, ImageTuning.NONE));
        refused(Errno.ESTALE, "a", () -> connection.open(ref, true, ImageTuning.NONE));
        refused(Errno.ESTALE, "a", () -> connection.describe(ref));
        assertNotEquals(ref, connection.identify(spec));
    }

    @Test
    void shouldRemoveAnImageWithItsData() throws Exception {
        ImageSpec spec = image("a");
        connection.create(spec, SIZE);
        write(spec, 0, new byte[] {1, 2, 3});
        connection.remove(spec, ProgressListener.NONE);
        assertEquals(List.of(), connection.list("rbd", namespace()));
        refused(Errno.ENOENT, "a", () -> connection.open(spec, true));
        connection.create(spec, SIZE);
        assertArrayEquals(new byte[3], read(spec, 0, 3));
    }

    @Test
    void shouldRefuseToRemoveWhatIsOpen() throws Exception {
        ImageSpec spec = image("a");
        connection.create(spec, SIZE);
        try (StoreImage first = connection.open(spec, false)) {
            try (StoreImage second = connection.open(spec, true)) {
                assertEquals(first.imageId(), second.imageId());
            }
            refused(Errno.EBUSY, "a", () -> connection.remove(spec, ProgressListener.NONE));
        }
        connection.remove(spec, ProgressListener.NONE);
    }

    @Test
    void shouldShowANewSizeToOpenHandles() throws Exception {
        ImageSpec spec = image("a");
        connection.create(spec, SIZE);
        try (StoreImage image = connection.open(spec, false);
                ImageIo io = new ImageIo(image, MAX_IO)) {
            assertEquals(3, io.write(SIZE - 3, new byte[] {1, 2, 3}));
            refused(
                    Errno.EINVAL,
                    "a",
                    () -> connection.resize(spec, SIZE / 2, false, ProgressListener.NONE));
            assertEquals(SIZE, image.size());
            connection.resize(spec, SIZE / 2, true, ProgressListener.NONE);
            assertEquals(SIZE / 2, image.size());
            connection.resize(spec, 2 * SIZE, false, ProgressListener.NONE);
            assertEquals(2 * SIZE, image.size());
            assertArrayEquals(new byte[1024], io.read(SIZE - 512, 1024));
            assertEquals(3, io.write(2 * SIZE - 3, new byte[] {4, 5, 6}));
            assertArrayEquals(new byte[] {4, 5, 6}, io.read(2 * SIZE - 3, 3));
        }
        assertEquals(2 * SIZE, connection.describe(spec).size());
    }

    @Test
    void shouldTellReadersWhatItTellsWriters() throws Exception {
        ImageSpec spec = image("a");
        connection.create(spec, SIZE);
        StoreConnection other = store.connect("other");
        try (StoreImage reader = other.open(spec, true);
                ImageIo io = new ImageIo(reader, MAX_IO)) {
            connection.resize(spec, 2 * SIZE, false, ProgressListener.NONE);
            assertEquals(2 * SIZE, reader.size());
            assertArrayEquals(new byte[512], io.read(2 * SIZE - 512, 512));
            refused(Errno.EBUSY, "a", () -> connection.remove(spec, ProgressListener.NONE));
            assertArrayEquals(new byte[512], io.read(0, 512));
        } finally {
            other.close();
        }
        connection.remove(spec, ProgressListener.NONE);
    }

    @Test
    void shouldNotChangeWhatIsOpenedReadOnly() throws Exception {
        ImageSpec spec = image("a");
        connection.create(spec, SIZE);
        try (StoreImage image = connection.open(spec, true);
                ImageIo io = new ImageIo(image, MAX_IO)) {
            assertEquals(-Errno.EROFS.number(), io.write(0, new byte[] {1}));
            assertEquals(-Errno.EROFS.number(), io.perform(IoOp.DISCARD, 0, 4096));
            assertEquals(-Errno.EROFS.number(), io.perform(IoOp.WRITE_ZEROES, 0, 4096));
            assertEquals(0, io.flush());
            assertArrayEquals(new byte[1], io.read(0, 1));
        }
    }

    @Test
    void shouldShowToOneConnectionWhatAnotherHasWritten() throws Exception {
        ImageSpec spec = image("a");
        connection.create(spec, SIZE);
        StoreConnection other = store.connect("other");
        try (StoreImage writing = connection.open(spec, false);
                ImageIo writer = new ImageIo(writing, MAX_IO)) {
            assertEquals(3, writer.write(1000, new byte[] {1, 2, 3}));
            assertEquals(0, writer.flush());
            try (StoreImage reading = other.open(spec, true);
                    ImageIo reader = new ImageIo(reading, MAX_IO)) {
                assertArrayEquals(new byte[] {1, 2, 3}, reader.read(1000, 3));
            }
        } finally {
            other.close();
        }
    }

    @Test
    void shouldCompleteAllBeforeItIsClosed() throws Exception {
        ImageSpec spec = image("a");
        connection.create(spec, SIZE);
        List<AwaitedCompletion> submitted = new ArrayList<>();
        StoreImage image = connection.open(spec, false);
        try (ImageIo io = new ImageIo(image, MAX_IO)) {
            for (int i = 0; i < 40; i++) {
                submitted.add(io.submit(IoOp.WRITE, i * 1000L, MAX_IO));
                submitted.add(io.submit(IoOp.FLUSH, 0, 0));
                submitted.add(io.submit(IoOp.WRITE_ZEROES, i * 1000L, MAX_IO));
            }
            image.close();
            for (AwaitedCompletion completion : submitted) {
                assertTrue(completion.isDone());
                completion.await();
            }
        }
    }

    @Test
    void shouldDoAsAByteArrayDoes() throws Exception {
        checkAgainstModel();
    }

    /** Random I/O of several threads, each on a range of its own. */
    protected final void checkAgainstModel() throws Exception {
        ImageSpec spec = image("model");
        connection.create(spec, SIZE);
        int threads = 4;
        int share = (int) (SIZE / threads);
        List<FutureTask<Void>> tasks = new ArrayList<>();
        try (StoreImage image = connection.open(spec, false)) {
            for (int i = 0; i < threads; i++) {
                int from = i * share;
                int to = i == threads - 1 ? (int) SIZE : from + share;
                long seed = 1000L + i;
                FutureTask<Void> task =
                        new FutureTask<>(
                                () -> {
                                    runModel(image, from, to, new Random(seed));
                                    return null;
                                });
                tasks.add(task);
                Thread.ofPlatform().name("model-" + i).start(task);
            }
            for (FutureTask<Void> task : tasks) {
                task.get();
            }
        }
    }

    /** Nobody else touches [from, to) of the image. */
    private void runModel(StoreImage image, int from, int to, Random random) throws Exception {
        byte[] model = new byte[to - from];
        try (ImageIo io = new ImageIo(image, MAX_IO)) {
            for (int step = 0; step < modelSteps(); step++) {
                int length = 1 + random.nextInt(1 << (8 + random.nextInt(13)));
                length = Math.min(Math.min(length, MAX_IO), model.length);
                int at = random.nextInt(model.length - length + 1);
                if (random.nextInt(4) == 0) {
                    at = at / 4096 * 4096;
                }
                switch (random.nextInt(8)) {
                    case 0, 1, 2 -> {
                        byte[] bytes = new byte[length];
                        random.nextBytes(bytes);
                        assertEquals(length, io.write(from + at, bytes));
                        System.arraycopy(bytes, 0, model, at, length);
                    }
                    case 3 -> {
                        assertEquals(length, io.perform(IoOp.DISCARD, from + at, length));
                        byte[] after = io.read(from + at, length);
                        checkDiscarded(Arrays.copyOfRange(model, at, at + length), after);
                        System.arraycopy(after, 0, model, at, length);
                    }
                    case 4 -> {
                        assertEquals(length, io.perform(IoOp.WRITE_ZEROES, from + at, length));
                        Arrays.fill(model, at, at + length, (byte) 0);
                    }
                    case 5 -> assertEquals(0, io.flush());
                    default ->
                            assertArrayEquals(
                                    Arrays.copyOfRange(model, at, at + length),
                                    io.read(from + at, length),
                                    "step " + step);
                }
            }
            for (int at = 0; at < model.length; at += MAX_IO) {
                int length = Math.min(MAX_IO, model.length - at);
                assertArrayEquals(
                        Arrays.copyOfRange(model, at, at + length), io.read(from + at, length));
            }
        }
    }

    protected int modelSteps() {
        return 1500;
    }

    /** By default what was discarded reads as zeroes. */
    protected void checkDiscarded(byte[] before, byte[] after) {
        assertArrayEquals(new byte[before.length], after);
    }

    /** Where the store has no images but the test's own; by default the pool's own. */
    protected String namespace() {
        return "";
    }

    protected ImageSpec image(String text) {
        return spec("rbd/" + (namespace().isEmpty() ? "" : namespace() + "/") + text);
    }

    protected static ImageSpec spec(String text) {
        return ImageSpec.parse(text);
    }

    protected static void refused(Errno errno, String named, Executable call) {
        ErrnoException refused = assertThrows(ErrnoException.class, call);
        assertEquals(errno, refused.errno(), refused.getMessage());
        assertTrue(refused.getMessage().contains(named), refused.getMessage());
        assertEquals(1, refused.getMessage().lines().count());
    }

    protected void write(ImageSpec spec, long position, byte[] bytes) throws Exception {
        try (StoreImage image = connection.open(spec, false);
                ImageIo io = new ImageIo(image, bytes.length)) {
            assertEquals(bytes.length, io.write(position, bytes));
            assertEquals(0, io.flush());
        }
    }

    protected byte[] read(ImageSpec spec, long position, int length) throws Exception {
        try (StoreImage image = connection.open(spec, true);
                ImageIo io = new ImageIo(image, length)) {
            return io.read(position, length);
        }
    }
}
