package org.rbdwrapper.broker.store.file;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.rbdwrapper.broker.store.ImageIo;
import org.rbdwrapper.broker.store.ImageStore;
import org.rbdwrapper.broker.store.ProgressListener;
import org.rbdwrapper.broker.store.StoreContractTest;
import org.rbdwrapper.broker.store.StoreImage;
import org.rbdwrapper.ipc.Errno;
import org.rbdwrapper.ipc.ErrnoException;
import org.rbdwrapper.ipc.ImageSpec;
import org.rbdwrapper.ipc.codec.IoOp;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.FutureTask;
import java.util.concurrent.ThreadLocalRandom;
import java.util.stream.Stream;

class FileStoreTest extends StoreContractTest {
    private static final long SIZE = 64 * 1024 * 1024;

    @TempDir Path temp;
    private Path images;

    @Override
    protected ImageStore openStore() throws ErrnoException {
        images = temp.resolve("images");
        return FileStore.open(images);
    }

    @Test
    void shouldKeepImagesWhenItIsClosed() throws Exception {
        connection.create(spec("pool/ns/a"), SIZE);
        write(spec("pool/ns/a"), 12345, new byte[] {1, 2, 3});
        var before = connection.describe(spec("pool/ns/a"));
        reopen();
        assertEquals(before, connection.describe(spec("pool/ns/a")));
        assertArrayEquals(new byte[] {1, 2, 3}, read(spec("pool/ns/a"), 12345, 3));
        assertEquals(List.of("a"), connection.list("pool", "ns"));
        assertEquals(List.of(), connection.list("pool", ""));
    }

    @Test
    void shouldBeSparse() throws Exception {
        connection.create(spec("rbd/a"), 1L << 40);
        write(spec("rbd/a"), 1L << 39, new byte[4096]);
        assertTrue(diskUse() < 1 << 20);
        try (StoreImage image = connection.open(spec("rbd/a"), false);
                ImageIo io = new ImageIo(image, 4096)) {
            assertEquals(1L << 38, io.perform(IoOp.WRITE_ZEROES, 1L << 38, 1L << 38));
        }
        assertTrue(diskUse() < 1 << 20);
    }

    @Test
    void shouldGiveDiscardedSpaceBack() throws Exception {
        connection.create(spec("rbd/a"), SIZE);
        try (StoreImage image = connection.open(spec("rbd/a"), false);
                ImageIo io = new ImageIo(image, 1 << 20)) {
            byte[] data = new byte[1 << 20];
            ThreadLocalRandom.current().nextBytes(data);
            for (int i = 0; i < 8; i++) {
                assertEquals(data.length, io.write((long) i << 20, data));
            }
            assertEquals(0, io.flush());
            assertTrue(diskUse() >= 8 << 20);
            assertEquals(8 << 20, io.perform(IoOp.DISCARD, 0, 8 << 20));
            assertEquals(0, io.flush());
            assertTrue(diskUse() < 1 << 20);
        }
    }

    @Test
    void shouldKeepEveryNameApartAndInItsFolder() throws Exception {
        List<String> specs = new ArrayList<>();
        String long95 = "x".repeat(95);
        String long200 = "p".repeat(200);
        String wide = "名".repeat(31);
        String wide198 = "名".repeat(66);
        for (String prefix :
                List.of("rbd/", "rbd2/", "rbd/ns/", "rbd/data/", "data/", "data/meta/")) {
            for (String image : List.of("a", "A", "meta", "data", "lock", ".lock", "..a", "...")) {
                specs.add(prefix + image);
            }
        }
        specs.addAll(
                List.of(
                        "rbd/%40",
                        "%40/%40/%40",
                        "rbd/%2e%2e/a",
                        "rbd/a%2Fb",
                        "rbd/a b",
                        "rbd/a\\b",
                        "rbd/~",
                        "rbd/-rf",
                        "rbd/" + long95,
                        long200 + "/" + long200 + "/" + long95,
                        wide198 + "/" + wide198 + "/" + wide,
                        wide198 + "/" + wide198 + "/" + wide + "1",
                        wide198 + "/" + wide198 + "/" + wide + "2",
                        "rbd/.unfinished-1",
                        ".unfinished-1/a"));
        for (String text : specs) {
            connection.create(spec(text), SIZE);
            write(spec(text), 0, text.getBytes(StandardCharsets.UTF_8));
        }
        reopen();
        Set<String> listed = new HashSet<>();
        for (String text : specs) {
            byte[] expected = text.getBytes(StandardCharsets.UTF_8);
            assertArrayEquals(expected, read(spec(text), 0, expected.length), text);
            ImageSpec spec = spec(text);
            for (String name : connection.list(spec.pool(), spec.namespace())) {
                listed.add(new ImageSpec(spec.pool(), spec.namespace(), name, "").toString());
            }
        }
        Set<String> created = new HashSet<>();
        specs.forEach(text -> created.add(spec(text).toString()));
        assertEquals(created, listed);
        try (Stream<Path> beside = Files.list(temp)) {
            assertEquals(List.of(images), beside.toList());
        }
    }

    @Test
    void shouldRefuseASecondStoreOnItsFolder() throws Exception {
        refused(Errno.EBUSY, images.toString(), () -> FileStore.open(images));
        connection.create(spec("rbd/a"), SIZE);
        refused(Errno.EBUSY, images.toString(), () -> FileStore.open(images));
    }

    @Test
    void shouldLeaveNoTraceOfWhatCannotBeCreated() throws Exception {
        Files.createFile(images.resolve("rbd9")); // where the pool's folder would be
        refused(Errno.EEXIST, "rbd9/a", () -> connection.create(spec("rbd9/a"), SIZE));
        assertEquals(Set.of(".lock", "rbd", "rbd9"), names(images));
    }

    @Test
    void shouldLeaveNoTraceOfWhatIsTooLarge() throws Exception {
        assumeTrue(Files.getFileStore(images).type().equals("ext4"), "others take any size");
        refused(Errno.EFBIG, "rbd9/huge", () -> connection.create(spec("rbd9/huge"), 1L << 62));
        refused(Errno.ENOENT, "rbd9", () -> connection.list("rbd9", ""));
        assertEquals(Set.of(".lock", "rbd"), names(images));
    }

    @Test
    void shouldDeleteWhatACrashHasLeft() throws Exception {
        connection.create(spec("rbd/whole"), SIZE);
        close();
        Path making = Files.createDirectory(images.resolve(".unfinished-1a"));
        Files.writeString(making.resolve("data"), "half");
        Path removing = images.resolve(".unfinished-2b");
        Path folder = images.resolve("rbd").resolve("@").resolve("whole");
        copy(folder, removing);
        reopen();
        assertEquals(Set.of(".lock", "rbd"), names(images));
        assertEquals(List.of("whole"), connection.list("rbd", ""));
    }

    @Test
    void shouldListTheOthersWhenADescriptionIsDamaged() throws Exception {
        connection.create(spec("rbd/a"), SIZE);
        connection.create(spec("rbd/b"), SIZE);
        Files.writeString(images.resolve("rbd/@/a/meta"), "\\uXYZ");
        assertEquals(List.of("b"), connection.list("rbd", ""));
        refused(Errno.EIO, "meta", () -> connection.open(spec("rbd/a"), true));
        refused(Errno.EIO, "meta", () -> connection.describe(spec("rbd/a")));
        connection.remove(spec("rbd/a"), ProgressListener.NONE);
    }

    @Test
    void shouldStayAsLongAsItWasMadeWhenWrittenWhileItShrinks() throws Exception {
        ImageSpec spec = spec("rbd/a");
        connection.create(spec, SIZE);
        try (StoreImage image = connection.open(spec, false)) {
            FutureTask<Void> writer =
                    new FutureTask<>(
                            () -> {
                                try (ImageIo io = new ImageIo(image, 4096)) {
                                    for (int i = 0; i < 20_000; i++) {
                                        io.write(SIZE - 4096, new byte[4096]);
                                    }
                                }
                                return null;
                            });
            Thread.ofPlatform().start(writer);
            while (!writer.isDone()) {
                connection.resize(spec, SIZE / 2, true, ProgressListener.NONE);
                connection.resize(spec, SIZE, true, ProgressListener.NONE);
            }
            writer.get();
            connection.resize(spec, SIZE / 2, true, ProgressListener.NONE);
            try (ImageIo io = new ImageIo(image, 4096)) {
                assertEquals(-Errno.EINVAL.number(), io.write(SIZE - 4096, new byte[4096]));
                assertEquals(1000, io.write(SIZE / 2 - 1000, new byte[4096]));
            }
            assertEquals(SIZE / 2, Files.size(images.resolve("rbd/@/a/data")));
        }
        assertEquals(SIZE / 2, connection.describe(spec).size());
    }

    @Test
    void shouldSayWhatCannotBeUsed() throws IOException {
        Path file = Files.createFile(temp.resolve("file"));
        ErrnoException refused =
                assertThrows(ErrnoException.class, () -> FileStore.open(file.resolve("images")));
        assertTrue(refused.getMessage().contains(file.toString()), refused.getMessage());
    }

    private void reopen() throws ErrnoException {
        connection.close();
        store.close();
        store = openStore();
        connection = store.connect("test");
    }

    /** Bytes of blocks, not of files. */
    private long diskUse() throws IOException, InterruptedException {
        Process du = new ProcessBuilder("du", "-sk", images.toString()).start();
        String line = du.inputReader().readLine();
        assertEquals(0, du.waitFor());
        return 1024 * Long.parseLong(line.substring(0, line.indexOf('\t')));
    }

    private static void copy(Path from, Path to) throws IOException {
        Files.createDirectories(to);
        for (String name : names(from)) {
            Files.copy(from.resolve(name), to.resolve(name));
        }
    }

    private static Set<String> names(Path folder) throws IOException {
        try (Stream<Path> entries = Files.list(folder)) {
            Set<String> names = new HashSet<>();
            entries.forEach(entry -> names.add(entry.getFileName().toString()));
            return names;
        }
    }
}
