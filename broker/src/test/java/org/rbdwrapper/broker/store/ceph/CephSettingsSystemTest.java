package org.rbdwrapper.broker.store.ceph;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;
import static org.rbdwrapper.broker.store.ceph.CephFixture.assertFails;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.rbdwrapper.broker.store.AwaitedCompletion;
import org.rbdwrapper.broker.store.ImageIo;
import org.rbdwrapper.broker.store.StoreConnection;
import org.rbdwrapper.broker.store.StoreImage;
import org.rbdwrapper.broker.testing.CephCluster;
import org.rbdwrapper.ipc.Errno;
import org.rbdwrapper.ipc.ImageSpec;
import org.rbdwrapper.ipc.codec.IoOp;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Settings of Ceph that others make and on which a promise of the broker rests, wherever they can
 * be made. In a pool and for a user of this test alone: no other test's images have them.
 */
@Tag("ceph")
@Timeout(120)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
final class CephSettingsSystemTest {
    private static final int MIB = 1 << 20;
    private static final int BLOCK = 4096;
    private static final AtomicInteger NEXT = new AtomicInteger();

    private final String unique = "settings-" + ProcessHandle.current().pid();
    private final List<Setting> made = new ArrayList<>();
    @TempDir static Path folder;
    private CephCluster cluster;
    private Path keyring;

    /** Where a setting can be made. */
    enum Source {
        IMAGE,
        POOL,
        CONF,
        DATABASE;

        /** What an image's or a pool's metadata says beats what a client sets. */
        boolean beatsBroker() {
            return this == IMAGE || this == POOL;
        }
    }

    private record Setting(Source source, ImageSpec image, String name, String value) {}

    @BeforeAll
    void makePool() throws Exception {
        cluster = CephCluster.get();
        cluster.ceph("osd", "pool", "create", unique, "8");
        cluster.rbd("pool", "init", unique);
        keyring = folder.resolve("keyring");
        cluster.ceph(
                "auth",
                "get-or-create",
                "client." + unique,
                "mon",
                "profile rbd",
                "osd",
                "profile rbd pool=" + unique,
                "-o",
                keyring.toString());
    }

    @AfterEach
    void undo() throws Exception {
        for (Setting setting : made) {
            switch (setting.source()) {
                case POOL -> cluster.rbd("config", "pool", "remove", unique, setting.name());
                case DATABASE -> cluster.ceph("config", "rm", "client." + unique, setting.name());
                case IMAGE, CONF -> {} // they go with the image and the folder
            }
        }
        made.clear();
    }

    @AfterAll
    void removePool() throws Exception {
        cluster.ceph("auth", "del", "client." + unique);
        cluster.ceph("osd", "pool", "rm", unique, unique, "--yes-i-really-really-mean-it");
    }

    @ParameterizedTest
    @EnumSource(Source.class)
    void shouldAnswerNoWriteEarlyWhereCacheIsSwitchedOn(Source source) throws Exception {
        ImageSpec spec = image();
        set(source, spec, "rbd_cache", "true");
        try (StoreConnection connection = connect();
                StoreImage image = connection.open(spec, false);
                ImageIo io = new ImageIo(image, MIB)) {
            assertFalse(image.holdsWrites(), image.heldWritesBy());
            assertOthersReadWhatIsWritten(spec, io);
        }
    }

    @ParameterizedTest
    @EnumSource(Source.class)
    void shouldAnswerNoWriteEarlyWhereCacheIsAround(Source source) throws Exception {
        ImageSpec spec = image();
        set(source, spec, "rbd_cache", "true");
        set(source, spec, "rbd_cache_policy", "writearound");
        set(source, spec, "rbd_cache_writethrough_until_flush", "false");
        try (StoreConnection connection = connect();
                StoreImage image = connection.open(spec, false);
                ImageIo io = new ImageIo(image, MIB)) {
            assertFalse(image.holdsWrites(), image.heldWritesBy());
            assertOthersReadWhatIsWritten(spec, io);
        }
    }

    @ParameterizedTest
    @EnumSource(Source.class)
    void shouldSayThatWritesAreHeldWhereAllIsSetForThat(Source source) throws Exception {
        ImageSpec spec = image();
        try (StoreConnection before = connect();
                StoreImage uncached = before.open(spec, false);
                ImageIo io = new ImageIo(uncached, MIB)) {
            set(source, spec, "rbd_cache", "true");
            set(source, spec, "rbd_cache_policy", "writeback");
            set(source, spec, "rbd_cache_max_dirty", "16777216");
            assertFalse(uncached.holdsWrites(), "which is open already");
            assertOthersReadWhatIsWritten(spec, io);
        }
        try (StoreConnection connection = connect();
                StoreImage image = connection.open(spec, false);
                ImageIo io = new ImageIo(image, MIB)) {
            assertEquals(source.beatsBroker(), image.holdsWrites());
            if (source.beatsBroker()) {
                String where = source == Source.IMAGE ? "set for the image" : "set for pool ";
                assertTrue(image.heldWritesBy().contains(where), image.heldWritesBy());
                assertTrue(image.heldWritesBy().contains("rbd_cache=true"), image.heldWritesBy());
            } else {
                assertOthersReadWhatIsWritten(spec, io);
            }
        }
    }

    @ParameterizedTest
    @EnumSource(Source.class)
    void shouldCopyWhatProgramsWriteOrRefuse(Source source) throws Exception {
        ImageSpec spec = image();
        set(source, spec, "rbd_disable_zero_copy_writes", "false");
        try (StoreConnection connection = connect()) {
            if (source.beatsBroker()) {
                assertFails(
                        Errno.EOPNOTSUPP,
                        () -> connection.open(spec, false),
                        spec.toString(),
                        "rbd_disable_zero_copy_writes=false",
                        source == Source.IMAGE ? "the image" : "pool " + unique);
            } else {
                assertWritesWhatWasThereAtFirst(spec, connection);
            }
        }
    }

    /** The first write has to wait for the exclusive lock, and its program does not wait. */
    private void assertWritesWhatWasThereAtFirst(ImageSpec spec, StoreConnection connection)
            throws Exception {
        try (StoreImage image = connection.open(spec, false);
                ImageIo io = new ImageIo(image, BLOCK)) {
            AwaitedCompletion write;
            AwaitedCompletion later;
            cluster.signal("osd.0", "STOP");
            try {
                write = io.submitWrite(0, filled(1, BLOCK));
                later = io.submitWrite(BLOCK, filled(2, BLOCK)); // from the same memory
            } finally {
                cluster.signal("osd.0", "CONT");
            }
            write.await();
            later.await();
            assertArrayEquals(filled(1, BLOCK), io.read(0, BLOCK));
        }
    }

    @ParameterizedTest
    @EnumSource(
            value = Source.class,
            names = {"CONF", "DATABASE"})
    void shouldWaitForClusterWhateverTimeoutItsClientsHave(Source source) throws Exception {
        ImageSpec spec = image();
        set(source, spec, "rados_osd_op_timeout", "1");
        try (StoreConnection connection = connect();
                StoreImage image = connection.open(spec, false);
                ImageIo io = new ImageIo(image, BLOCK)) {
            io.write(0, filled(1, BLOCK));
            AwaitedCompletion write;
            cluster.signal("osd.0", "STOP");
            try {
                write = io.submitWrite(0, filled(2, BLOCK));
                Thread.sleep(3000); // in which the timeout would have ended it
                if (write.isDone()) {
                    fail("a write to a stopped OSD ended with " + write.await());
                }
            } finally {
                cluster.signal("osd.0", "CONT");
            }
            assertEquals(BLOCK, write.await());
        }
    }

    @ParameterizedTest
    @EnumSource(
            value = Source.class,
            names = {"CONF", "DATABASE"})
    void shouldWriteWhereClientsHaveToAskForTheLock(Source source) throws Exception {
        ImageSpec spec = image();
        set(source, spec, "rbd_auto_exclusive_lock_until_manual_request", "false");
        try (StoreConnection connection = connect();
                StoreImage image = connection.open(spec, false);
                ImageIo io = new ImageIo(image, BLOCK)) {
            assertEquals(BLOCK, io.write(0, filled(1, BLOCK)));
        }
    }

    @ParameterizedTest
    @EnumSource(Source.class)
    void shouldZeroWhateverIsDiscarded(Source source) throws Exception {
        ImageSpec spec = image();
        set(source, spec, "rbd_skip_partial_discard", "true");
        set(source, spec, "rbd_discard_granularity_bytes", "4194304");
        try (StoreConnection connection = connect();
                StoreImage image = connection.open(spec, false);
                ImageIo io = new ImageIo(image, MIB)) {
            io.write(0, filled(1, MIB));
            int start = 513;
            int length = 100_001;
            assertEquals(length, io.perform(IoOp.WRITE_ZEROES, start, length));
            byte[] expected = filled(1, MIB);
            Arrays.fill(expected, start, start + length, (byte) 0);
            assertArrayEquals(expected, io.read(0, MIB));
        }
    }

    @ParameterizedTest
    @EnumSource(
            value = Source.class,
            names = {"CONF", "DATABASE"})
    void shouldMakeImagesWithAnIdentityWhateverFormatIsTheDefault(Source source) throws Exception {
        ImageSpec spec = ImageSpec.parse(unique + "/format-" + NEXT.incrementAndGet());
        set(source, spec, "rbd_default_format", "1");
        try (StoreConnection connection = connect()) {
            connection.create(spec, MIB);
            assertFalse(connection.describe(spec).imageId().isEmpty());
        }
    }

    /** Another client sees at once what was answered, without a flush. */
    private void assertOthersReadWhatIsWritten(ImageSpec spec, ImageIo io) throws Exception {
        assertEquals(0, io.flush()); // a cache may begin with the first one
        byte[] bytes = filled(NEXT.incrementAndGet(), MIB);
        for (int position = 0; position < MIB; position += MIB / 8) {
            io.write(position, Arrays.copyOfRange(bytes, position, position + MIB / 8));
        }
        Path exported = folder.resolve("exported-" + NEXT.incrementAndGet());
        cluster.rbd("export", "--no-progress", spec.toString(), exported.toString());
        assertArrayEquals(bytes, Files.readAllBytes(exported));
        Files.delete(exported);
    }

    private ImageSpec image() throws Exception {
        ImageSpec spec = ImageSpec.parse(unique + "/img-" + NEXT.incrementAndGet());
        cluster.rbd("create", "--size", "1", spec.toString());
        return spec;
    }

    private void set(Source source, ImageSpec spec, String name, String value) throws Exception {
        switch (source) {
            case IMAGE -> cluster.rbd("config", "image", "set", spec.toString(), name, value);
            case POOL -> cluster.rbd("config", "pool", "set", unique, name, value);
            case DATABASE -> cluster.ceph("config", "set", "client." + unique, name, value);
            case CONF -> {} // by connect()
        }
        made.add(new Setting(source, spec, name, value));
    }

    private StoreConnection connect() throws Exception {
        StringBuilder conf = new StringBuilder(Files.readString(cluster.conf()));
        conf.append("[client.").append(unique).append("]\n");
        for (Setting setting : made) {
            if (setting.source() == Source.CONF) {
                conf.append(setting.name()).append(" = ").append(setting.value()).append("\n");
            }
        }
        Path file = folder.resolve("ceph-" + NEXT.incrementAndGet() + ".conf");
        Files.writeString(file, conf);
        return CephStore.open(file, unique, Map.of("keyring", keyring.toString())).connect("test");
    }

    private static byte[] filled(int value, int length) {
        byte[] bytes = new byte[length];
        Arrays.fill(bytes, (byte) value);
        return bytes;
    }
}
