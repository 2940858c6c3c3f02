package org.rbdwrapper.broker.store.ceph;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;
import org.rbdwrapper.broker.store.CompletionRegistry;
import org.rbdwrapper.broker.store.ImageDetails;
import org.rbdwrapper.broker.store.IoCompletion;
import org.rbdwrapper.broker.store.ProgressListener;
import org.rbdwrapper.broker.store.StoreConnection;
import org.rbdwrapper.broker.store.StoreImage;
import org.rbdwrapper.broker.testing.CephCluster;
import org.rbdwrapper.ipc.Errno;
import org.rbdwrapper.ipc.ErrnoException;
import org.rbdwrapper.ipc.ImageSpec;
import org.rbdwrapper.ipc.codec.IoOp;
import org.rbdwrapper.ipc.posix.SharedMemory;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.TimeUnit;

/** The Ceph store against a real cluster, with the key that a broker has. */
@Tag("ceph")
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
final class CephStoreSystemTest {
    private static final int MIB = 1024 * 1024;

    @TempDir Path temporary;

    private CephCluster cluster;
    private CephStore store;
    private StoreConnection connection;
    private long memory;

    @BeforeAll
    void connect() throws Exception {
        cluster = CephCluster.get();
        store = CephStore.open(cluster.conf(), cluster.id(), Map.of());
        connection = store.connect("test");
        memory = SharedMemory.mapAnonymous(MIB);
    }

    @AfterAll
    void close() throws Exception {
        connection.close();
        store.close();
        SharedMemory.unmap(memory, MIB);
    }

    @Test
    void shouldDescribeAsRbdInfoDoes() throws Exception {
        ImageSpec spec = ImageSpec.parse("described");
        connection.create(spec, 10L * MIB);
        ImageDetails details = connection.describe(spec);
        String info = cluster.rbd("info", "--format", "json", "described");
        assertTrue(info.contains("\"id\":\"" + details.imageId() + "\""), info);
        assertTrue(
                info.contains("\"block_name_prefix\":\"" + details.blockNamePrefix() + "\""), info);
        assertTrue(info.contains("\"size\":" + details.size()), info);
        assertTrue(info.contains("\"object_size\":" + details.objectSize()), info);
        assertNotEquals(0, details.features());
        assertTrue(
                Math.abs(System.currentTimeMillis() - details.times().created() / 1_000_000)
                        < 3_600_000);
        assertTrue(connection.list("rbd", "").contains("described"));
        connection.remove(spec, ProgressListener.NONE);
        assertFalse(connection.list("rbd", "").contains("described"));
    }

    @Test
    void shouldKeepErrnoOfWhatFails() throws Exception {
        ImageSpec spec = ImageSpec.parse("failing");
        connection.create(spec, 4L * MIB);
        assertErrno(Errno.EEXIST, "rbd/failing", () -> connection.create(spec, MIB));
        assertErrno(
                Errno.ENOENT,
                "rbd/nothing",
                () -> connection.open(ImageSpec.parse("nothing"), true));
        assertErrno(
                Errno.ENOENT,
                "failing@nothing",
                () -> connection.open(ImageSpec.parse("failing@nothing"), true));
        assertErrno(
                Errno.ENOENT, "nopool", () -> connection.open(ImageSpec.parse("nopool/x"), true));
        assertErrno(Errno.ENOENT, "nopool", () -> connection.list("nopool", ""));
        assertErrno(
                Errno.EINVAL,
                "--allow-shrink",
                () -> connection.resize(spec, MIB, false, ProgressListener.NONE));
        assertErrno(
                Errno.ENOENT,
                "rbd/nothing",
                () -> connection.remove(ImageSpec.parse("nothing"), ProgressListener.NONE));
        try (StoreImage open = connection.open(spec, false)) {
            assertEquals(4L * MIB, open.size());
            assertErrno(
                    Errno.EBUSY,
                    "rbd/failing",
                    () -> connection.remove(spec, ProgressListener.NONE));
        }
        cluster.rbd("snap", "create", "--no-progress", "failing@s");
        assertErrno(
                Errno.ENOTEMPTY, "snapshots", () -> connection.remove(spec, ProgressListener.NONE));
        cluster.rbd("snap", "purge", "--no-progress", "failing");
        connection.remove(spec, ProgressListener.NONE);
    }

    @Test
    void shouldSayThatKeyDoesNotAllowIt() throws Exception {
        cluster.ceph("osd", "pool", "create", "forbidden", "8");
        cluster.rbd("pool", "init", "forbidden");
        cluster.rbd("create", "--size", "1", "forbidden/img");
        assertErrno(
                Errno.EPERM, "caps", () -> connection.open(ImageSpec.parse("forbidden/img"), true));
        assertErrno(
                Errno.EPERM,
                "caps",
                () -> connection.create(ImageSpec.parse("forbidden/other"), MIB));
        cluster.rbd("rm", "--no-progress", "forbidden/img");
    }

    @Test
    void shouldReadSnapshotsAndRefuseToChangeThem() throws Exception {
        ImageSpec spec = ImageSpec.parse("snapped");
        connection.create(spec, 4L * MIB);
        try (StoreImage image = connection.open(spec, false)) {
            fill((byte) 1);
            assertEquals(4096, perform(image, IoOp.WRITE, 0, 4096));
            cluster.rbd("snap", "create", "--no-progress", "snapped@before");
            fill((byte) 2);
            assertEquals(4096, perform(image, IoOp.WRITE, 0, 4096));
            assertEquals(0, perform(image, IoOp.FLUSH, 0, 0));
        }
        assertEquals(1, connection.describe(spec).snapshotCount());
        try (StoreImage snapshot = connection.open(ImageSpec.parse("snapped@before"), true)) {
            assertEquals(4096, perform(snapshot, IoOp.READ, 0, 4096));
            assertEquals(1, first());
            assertEquals(-Errno.EROFS.number(), perform(snapshot, IoOp.WRITE, 0, 4096));
        }
        cluster.rbd("snap", "purge", "--no-progress", "snapped");
        connection.remove(spec, ProgressListener.NONE);
    }

    @Test
    void shouldKeepNamespacesApart() throws Exception {
        cluster.rbd("namespace", "create", "rbd/tenant");
        ImageSpec inside = ImageSpec.parse("rbd/tenant/img");
        ImageSpec outside = ImageSpec.parse("rbd/nsimg");
        connection.create(inside, MIB);
        connection.create(outside, MIB);
        assertEquals(List.of("img"), connection.list("rbd", "tenant"));
        assertFalse(connection.list("rbd", "").contains("img"));
        connection.remove(inside, ProgressListener.NONE);
        connection.remove(outside, ProgressListener.NONE);
        cluster.rbd("namespace", "remove", "rbd/tenant");
    }

    @Test
    void shouldSeeResizeMadeByAnotherHost() throws Exception {
        ImageSpec spec = ImageSpec.parse("resized");
        connection.create(spec, 4L * MIB);
        try (StoreImage image = connection.open(spec, false)) {
            cluster.rbd("resize", "--no-progress", "--size", "9", "resized");
            long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(30);
            while (image.size() != 9L * MIB) {
                assertTrue(System.nanoTime() < deadline, "size " + image.size());
                Thread.sleep(10);
            }
            connection.resize(spec, 12L * MIB, false, ProgressListener.NONE);
            assertEquals(12L * MIB, image.size());
        }
        connection.remove(spec, ProgressListener.NONE);
    }

    @Test
    void shouldSayWhatIsWrongWithTheConnection() throws Exception {
        assertErrno(
                Errno.ENOENT,
                "/nowhere/ceph.conf",
                () -> CephStore.open(Path.of("/nowhere/ceph.conf"), "rbdw", Map.of()).connect("x"));
        assertErrno(
                Errno.EACCES,
                "client.nobody",
                () -> CephStore.open(cluster.conf(), "nobody", Map.of()).connect("x"));
        // without a keyring Ceph 16 tries without cephx, which the monitor refuses; others say
        // ENOENT
        ErrnoException noKeyring =
                assertThrows(
                        ErrnoException.class,
                        () ->
                                CephStore.open(
                                                cluster.conf(),
                                                "rbdw",
                                                Map.of("keyring", "/nowhere/keyring"))
                                        .connect("x"));
        assertTrue(
                List.of(Errno.EACCES, Errno.ENOENT).contains(noKeyring.errno()),
                noKeyring.getMessage());
        assertTrue(noKeyring.getMessage().contains("keyring"), noKeyring.getMessage());
        Path keyring =
                Files.writeString(
                        temporary.resolve("keyring"),
                        "[client.rbdw]\n\tkey = AQBkZmVkYWJjZBAAMTIzNDU2Nzg5MDEyMzQ1Ng==\n");
        ErrnoException wrongKey =
                assertThrows(
                        ErrnoException.class,
                        () ->
                                CephStore.open(
                                                cluster.conf(),
                                                "rbdw",
                                                Map.of("keyring", keyring.toString()))
                                        .connect("x"));
        assertTrue(
                List.of(Errno.EACCES, Errno.EPERM, Errno.EINVAL).contains(wrongKey.errno()),
                wrongKey.getMessage());
    }

    @Test
    void shouldGiveUpMonitorThatDoesNotAnswer() throws Exception {
        // a port that nobody listens on
        Map<String, String> dead =
                Map.of("mon_host", "v2:127.0.0.1:1", "client_mount_timeout", "2");
        long start = System.nanoTime();
        ErrnoException failure =
                assertThrows(
                        ErrnoException.class,
                        () -> CephStore.open(cluster.conf(), cluster.id(), dead).connect("x"));
        assertEquals(Errno.ETIMEDOUT, failure.errno(), failure.getMessage());
        assertTrue(System.nanoTime() - start < TimeUnit.SECONDS.toNanos(60));
    }

    private void fill(byte value) {
        new org.agrona.concurrent.UnsafeBuffer(memory, MIB).setMemory(0, MIB, value);
    }

    private byte first() {
        return new org.agrona.concurrent.UnsafeBuffer(memory, MIB).getByte(0);
    }

    private long perform(StoreImage image, IoOp op, long position, long length)
            throws InterruptedException {
        BlockingQueue<Long> results = new ArrayBlockingQueue<>(1);
        Waiter waiter =
                CompletionRegistry.instance().register(id -> new Waiter(id, results, length));
        image.submit(op, memory, position, length, waiter);
        Long result = results.poll(30, TimeUnit.SECONDS);
        CompletionRegistry.instance().release(waiter);
        return result;
    }

    private static void assertErrno(Errno errno, String word, Executable call) {
        ErrnoException failure = assertThrows(ErrnoException.class, call);
        assertEquals(errno, failure.errno(), failure.getMessage());
        assertTrue(failure.getMessage().contains(word), failure.getMessage());
        assertFalse(failure.getMessage().contains("\n"), failure.getMessage());
    }

    private record Waiter(int completionId, BlockingQueue<Long> results, long length)
            implements IoCompletion {
        @Override
        public void onComplete(long result) {
            results.add(result);
        }

        @Override
        public void onWhollyDone() {
            results.add(length);
        }
    }
}
