package org.rbdwrapper.client;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.rbdwrapper.broker.testing.JavaProcess;
import org.rbdwrapper.client.admin.MapRequest;
import org.rbdwrapper.ipc.Errno;
import org.rbdwrapper.ipc.ErrnoException;
import org.rbdwrapper.ipc.IoErrors;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.FileChannel;
import java.nio.channels.NonReadableChannelException;
import java.nio.channels.NonWritableChannelException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ThreadLocalRandom;

/** What an image is as a file, on each store: run by a subclass for each. */
abstract class RbdFileContract extends BrokerFixture {
    private static final long SIZE = 384L * MIB;

    @Test
    void shouldReadZeroesFromNewImage() throws Exception {
        String path = image("zeroes", 10 * MIB);
        try (RbdFile file = open(path)) {
            ByteBuffer buffer = ByteBuffer.allocate(2 * MIB);
            assertEquals(2 * MIB, file.read(buffer, 7));
            assertArrayEquals(new byte[2 * MIB], buffer.array());
            assertEquals(10 * MIB, file.size());
        }
        remove(path);
    }

    @Test
    void shouldReadBackWhatWasWrittenAtAnyLengthAndPosition() throws Exception {
        String path = image("lengths", 32 * MIB);
        Random random = new Random(1);
        try (RbdFile file = open(path)) {
            for (int length :
                    new int[] {1, 511, 512, 513, 4095, 4096, 65_537, MIB, MIB + 1, 9 * MIB + 3}) {
                byte[] bytes = new byte[length];
                random.nextBytes(bytes);
                long position = random.nextInt(32 * MIB - length);
                assertEquals(length, file.write(ByteBuffer.wrap(bytes), position));
                ByteBuffer back = ByteBuffer.allocate(length);
                assertEquals(length, file.read(back, position));
                assertArrayEquals(bytes, back.array(), "length " + length);
            }
        }
        remove(path);
    }

    @Test
    void shouldEndAsFileOfFixedSizeEnds() throws Exception {
        String path = image("end", MIB);
        try (RbdFile file = open(path)) {
            ByteBuffer eight = ByteBuffer.wrap(new byte[] {1, 2, 3, 4, 5, 6, 7, 8});
            assertEquals(5, file.write(eight, MIB - 5), "a write across the end is short");
            assertEquals(5, eight.position());
            IOException full =
                    assertThrows(IOException.class, () -> file.write(ByteBuffer.allocate(1), MIB));
            assertEquals(Errno.ENOSPC, IoErrors.errno(full));
            ByteBuffer back = ByteBuffer.allocate(8);
            assertEquals(5, file.read(back, MIB - 5), "a read across the end is short");
            assertEquals(5, back.get(4));
            assertEquals(-1, file.read(ByteBuffer.allocate(1), MIB));
            assertEquals(-1, file.read(ByteBuffer.allocate(1), Long.MAX_VALUE));
            assertEquals(0, file.read(ByteBuffer.allocate(0), 0));
            assertThrows(
                    IllegalArgumentException.class, () -> file.read(ByteBuffer.allocate(1), -1));
            assertThrows(
                    IllegalArgumentException.class, () -> file.write(ByteBuffer.allocate(1), -1));
            assertThrows(IllegalArgumentException.class, () -> file.discard(-1, 1));
            assertThrows(IllegalArgumentException.class, () -> file.writeZeroes(0, -1));
            assertEquals(MIB, file.size());
        }
        remove(path);
    }

    @Test
    void shouldZeroRangesWithoutSendingZeroes() throws Exception {
        String path = image("ranges", 16 * MIB);
        try (RbdFile file = open(path)) {
            byte[] ones = new byte[16 * MIB];
            java.util.Arrays.fill(ones, (byte) 1);
            file.write(ByteBuffer.wrap(ones), 0);
            file.writeZeroes(1000, 8 * MIB);
            java.util.Arrays.fill(ones, 1000, 1000 + 8 * MIB, (byte) 0);
            file.discard(12 * MIB, 4 * MIB);
            java.util.Arrays.fill(ones, 12 * MIB, 16 * MIB, (byte) 0);
            file.discard(100L * MIB, MIB);
            ByteBuffer back = ByteBuffer.allocate(16 * MIB);
            file.read(back, 0);
            assertArrayEquals(ones, back.array());
        }
        remove(path);
    }

    @Test
    void shouldDoManyOperationsAtOnce() throws Exception {
        String path = image("async", 64 * MIB);
        try (RbdFile file = open(path)) {
            List<CompletableFuture<Integer>> writes = new ArrayList<>();
            for (int i = 0; i < 2000; i++) {
                byte[] bytes = new byte[1000 + i];
                java.util.Arrays.fill(bytes, (byte) i);
                writes.add(file.writeAsync(ByteBuffer.wrap(bytes), i * 20_000L));
            }
            for (int i = 0; i < writes.size(); i++) {
                assertEquals(1000 + i, writes.get(i).join());
            }
            file.forceAsync().join();
            List<ByteBuffer> buffers = new ArrayList<>();
            List<CompletableFuture<Integer>> reads = new ArrayList<>();
            for (int i = 0; i < 2000; i++) {
                buffers.add(ByteBuffer.allocate(1000 + i));
                reads.add(file.readAsync(buffers.get(i), i * 20_000L));
            }
            for (int i = 0; i < reads.size(); i++) {
                assertEquals(1000 + i, reads.get(i).join());
                assertEquals((byte) i, buffers.get(i).get(999 + i));
                assertFalse(buffers.get(i).hasRemaining());
            }
            assertEquals(-1, file.readAsync(ByteBuffer.allocate(1), 64 * MIB).join());
        }
        remove(path);
    }

    @Test
    void shouldServeMoreThreadsThanChannels() throws Exception {
        String path = image("threads", 64 * MIB);
        try (RbdFile file = open(path)) {
            List<Thread> threads = new ArrayList<>();
            List<Throwable> failures = java.util.Collections.synchronizedList(new ArrayList<>());
            for (int i = 0; i < 200; i++) {
                int number = i;
                Runnable work =
                        () -> {
                            try {
                                ByteBuffer bytes = ByteBuffer.allocate(300_000);
                                java.util.Arrays.fill(bytes.array(), (byte) number);
                                file.write(bytes, number * 300_000L);
                                ByteBuffer back = ByteBuffer.allocate(300_000);
                                file.read(back, number * 300_000L);
                                assertArrayEquals(bytes.array(), back.array());
                            } catch (Throwable t) {
                                failures.add(t);
                            }
                        };
                threads.add(
                        i % 2 == 0
                                ? Thread.ofPlatform().start(work)
                                : Thread.startVirtualThread(work));
            }
            for (Thread thread : threads) {
                thread.join();
            }
            assertEquals(List.of(), failures);
        }
        remove(path);
    }

    @Test
    void shouldRefuseWhatTheOpenDoesNotAllow() throws Exception {
        String path = image("rights", MIB);
        try (RbdFile file = open(path, StandardOpenOption.READ)) {
            assertThrows(
                    NonWritableChannelException.class, () -> file.write(ByteBuffer.allocate(1), 0));
            assertThrows(NonWritableChannelException.class, () -> file.writeZeroes(0, 1));
        }
        try (RbdFile file = open(path, StandardOpenOption.WRITE)) {
            assertThrows(
                    NonReadableChannelException.class, () -> file.read(ByteBuffer.allocate(1), 0));
            assertEquals(1, file.write(ByteBuffer.allocate(1), 0));
        }
        RbdFile closed = open(path);
        closed.close();
        closed.close();
        assertThrows(ClosedChannelException.class, () -> closed.read(ByteBuffer.allocate(1), 0));
        assertThrows(
                UnsupportedOperationException.class, () -> open(path, StandardOpenOption.APPEND));
        remove(path);
    }

    @Test
    void shouldRefuseToOpenReadOnlyMappingForWriting() throws Exception {
        admin().create("readonly", MIB);
        MapRequest request = MapRequest.of("readonly");
        String path =
                admin().map(
                                new MapRequest(
                                        "readonly",
                                        "ro",
                                        true,
                                        request.ownerUid(),
                                        request.ownerGid(),
                                        0600,
                                        ""));
        assertEquals("/rbdw/ro", path);
        IOException refused = assertThrows(IOException.class, () -> open(path));
        assertEquals(Errno.EROFS, IoErrors.errno(refused));
        try (RbdFile file = open(path, StandardOpenOption.READ)) {
            assertEquals(1, file.read(ByteBuffer.allocate(1), 0));
            file.force();
        }
        admin().unmap(path, false);
        admin().remove("readonly", (done, total) -> {});
    }

    @Test
    void shouldNameWhatIsNotThere() throws Exception {
        NoSuchFileException missing =
                assertThrows(NoSuchFileException.class, () -> open("/rbdw/nowhere"));
        assertTrue(missing.getMessage().contains("/rbdw/nowhere"), missing.getMessage());
        for (String path :
                List.of(
                        "/rbdw/../etc/passwd",
                        "/rbdw/",
                        "",
                        "img0",
                        "/rbdw/a\nb",
                        "/rbdw/ünïcode")) {
            assertEquals(
                    Errno.ENOENT,
                    IoErrors.errno(assertThrows(IOException.class, () -> open(path))),
                    path);
        }
    }

    @Test
    void shouldFollowResize() throws Exception {
        String path = image("grow", MIB);
        try (RbdFile file = open(path)) {
            admin().resize("grow", 3 * MIB, false, (done, total) -> {});
            assertEquals(3 * MIB, file.size());
            assertEquals(100, file.write(ByteBuffer.allocate(100), 2 * MIB));
            ErrnoException shrink =
                    assertThrows(
                            ErrnoException.class,
                            () -> admin().resize("grow", MIB, false, (done, total) -> {}));
            assertEquals(Errno.EINVAL, shrink.errno());
            admin().resize("grow", MIB, true, (done, total) -> {});
            assertEquals(MIB, file.size());
            assertEquals(-1, file.read(ByteBuffer.allocate(1), 2 * MIB));
        }
        remove(path);
    }

    @Test
    void shouldGiveReadersWhatWriterHasHadAcknowledged() throws Exception {
        String path = image("coherent", 4 * MIB);
        try (JavaProcess other =
                JavaProcess.start(Map.of(), CoherenceClient.class, runDir().toString(), path)) {
            // it has the image open for reading only, on a messenger of its own
            other.awaitLine("reading");
            try (RbdFile file = open(path)) {
                CoherenceClient.pingPong(file, 1);
            }
            other.awaitSuccess(60);
        }
        remove(path);
    }

    @Test
    void shouldAgreeWithPlainFileUnderRandomLoadOfManyProcesses() throws Exception {
        int clients = 8;
        int threads = 4;
        String path = image("model", SIZE);
        Path model = Files.createFile(temporary.resolve("model"));
        try (FileChannel channel = FileChannel.open(model, StandardOpenOption.WRITE)) {
            channel.write(ByteBuffer.allocate(1), SIZE - 1);
        }
        long seed = ThreadLocalRandom.current().nextLong(1_000_000);
        List<JavaProcess> processes = new ArrayList<>();
        try {
            for (int i = 0; i < clients; i++) {
                processes.add(
                        JavaProcess.start(
                                Map.of(),
                                ModelClient.class,
                                runDir().toString(),
                                path,
                                model.toString(),
                                Long.toString(SIZE),
                                Integer.toString(i),
                                Integer.toString(clients),
                                Integer.toString(threads),
                                Integer.toString(MODEL_SECONDS),
                                Long.toString(seed)));
            }
            long operations = 0;
            for (JavaProcess process : processes) {
                String output = process.awaitSuccess(MODEL_SECONDS + 120);
                operations +=
                        Long.parseLong(
                                output.lines()
                                        .filter(l -> l.startsWith("operations"))
                                        .findFirst()
                                        .orElseThrow()
                                        .substring(11));
            }
            System.out.println(
                    store()
                            + ": "
                            + operations
                            + " operations of "
                            + clients
                            + " x "
                            + threads
                            + " threads, seed "
                            + seed);
            assertTrue(operations > 1000, "operations " + operations);
        } finally {
            for (JavaProcess process : processes) {
                process.close();
            }
        }
        assertSame(path, model, seed);
        Files.delete(model);
        remove(path);
    }

    final RbdFile open(String path, StandardOpenOption... options) throws IOException {
        return RbdFile.openAt(runDir(), path, options);
    }

    private void assertSame(String path, Path model, long seed) throws IOException {
        ByteBuffer actual = ByteBuffer.allocate(8 * MIB);
        ByteBuffer expected = ByteBuffer.allocate(8 * MIB);
        try (RbdFile file = open(path);
                FileChannel channel = FileChannel.open(model)) {
            for (long position = 0; position < SIZE; position += actual.capacity()) {
                assertEquals(actual.capacity(), file.read(actual.clear(), position));
                while (expected.hasRemaining()) {
                    channel.read(expected, position + expected.position());
                }
                assertEquals(
                        -1,
                        actual.flip().mismatch(expected.flip()),
                        "difference after " + position + ", seed " + seed);
                expected.clear();
            }
        }
    }

    @Test
    void shouldReadZeroesWhereATruncatedFileWasSkipped() throws Exception {
        String path = image("truncated", MIB);
        byte[] expected = new byte[MIB];
        Arrays.fill(expected, (byte) 7);
        try (RbdFile other = open(path)) {
            other.write(ByteBuffer.wrap(expected), 0);
            try (RbdFile file =
                    RbdFile.openAt(
                            runDir(),
                            path,
                            StandardOpenOption.READ,
                            StandardOpenOption.WRITE,
                            StandardOpenOption.TRUNCATE_EXISTING)) {
                assertEquals(MIB, file.size());
                expectHeld(file, expected);
                file.write(ByteBuffer.wrap(new byte[] {1}), 1000);
                Arrays.fill(expected, 0, 1000, (byte) 0);
                expected[1000] = 1;
                other.writeAsync(ByteBuffer.wrap(new byte[] {2}), 5000).join();
                Arrays.fill(expected, 1001, 5000, (byte) 0);
                expected[5000] = 2;
                expectHeld(file, expected);
                file.truncate(3000);
                expectHeld(file, expected);
                file.truncate(6000);
                Arrays.fill(expected, 3000, 6000, (byte) 0);
                expectHeld(file, expected);
                ErrnoException e = assertThrows(ErrnoException.class, () -> file.truncate(MIB + 1));
                assertEquals(Errno.ENOSPC, e.errno());
                assertThrows(IllegalArgumentException.class, () -> file.truncate(-1));
            }
            other.write(ByteBuffer.wrap(new byte[] {3}), 9000);
            expected[9000] = 3;
            expectHeld(other, expected);
        }
        try (RbdFile reader = RbdFile.openAt(runDir(), path, StandardOpenOption.READ)) {
            assertThrows(NonWritableChannelException.class, () -> reader.truncate(0));
        }
        remove(path);
    }

    private static void expectHeld(RbdFile file, byte[] expected) throws Exception {
        ByteBuffer held = ByteBuffer.allocate(expected.length);
        assertEquals(expected.length, file.read(held, 0));
        assertArrayEquals(expected, held.array());
    }
}
