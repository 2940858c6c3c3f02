package org.rbdwrapper.client.death;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.rbdwrapper.broker.testing.CephCluster;
import org.rbdwrapper.client.RbdFile;
import org.rbdwrapper.client.admin.BrokerAdmin;
import org.rbdwrapper.client.admin.MapRequest;
import org.rbdwrapper.ipc.Errno;
import org.rbdwrapper.ipc.ErrnoException;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.StandardOpenOption;
import java.util.OptionalLong;

/**
 * What a broker's end means for an image whose cache is switched on for the image itself, and not
 * by its mapping.
 */
@Tag("ceph")
final class CacheBySettingOnCephSystemTest {
    private static final int BLOCKS = 64;
    private static final int BLOCK = 4096;

    private final String image = "set-" + System.nanoTime();
    private final CephCluster cluster;
    private BrokerProcess broker;

    CacheBySettingOnCephSystemTest() throws Exception {
        cluster = CephCluster.get();
    }

    @BeforeEach
    void startBroker() throws Exception {
        broker =
                BrokerProcess.start(
                        "--store", "ceph:" + cluster.conf(), "--id", CephCluster.get().id());
        try (BrokerAdmin admin = broker.admin()) {
            admin.create(image, BLOCKS * BLOCK);
        }
    }

    @AfterEach
    void stopBroker() throws Exception {
        try (BrokerAdmin admin = broker.admin()) {
            if (!admin.mappings().isEmpty()) {
                admin.unmap("/rbdw/" + image, true);
            }
            admin.remove(image, (done, total) -> {});
        } finally {
            broker.close();
        }
    }

    @Test
    void shouldLoseNothingOfImageThatIsSetToBeCached() throws Exception {
        set("rbd_cache", "true");
        String path = map("");
        try (RbdFile file = openAndFlush(path)) {
            writeAll(file, 1);
            broker.kill();
            broker.startAgain();
            file.force();
            for (int block = 0; block < BLOCKS; block++) {
                assertEquals(1, read(file, block), "block " + block);
            }
        }
    }

    @Test
    void shouldFailFileOfImageThatIsSetToHoldWrites() throws Exception {
        setToHoldWrites();
        checkFailsAfterKill(map(""));
    }

    @Test
    void shouldFailFileOfImageThatIsSetToHoldWritesAfterItWasMapped() throws Exception {
        String path = map("");
        setToHoldWrites();
        checkFailsAfterKill(path);
    }

    /** What was lost was lost, whatever is set by now. */
    @Test
    void shouldFailFileOfImageThatWasSetToHoldWritesUntilBrokerDied() throws Exception {
        setToHoldWrites();
        String path = map("");
        try (RbdFile file = openAndFlush(path)) {
            writeAll(file, 1);
            broker.kill();
            cluster.rbd("config", "image", "remove", image, "rbd_cache");
            broker.startAgain();
            assertEquals(Errno.EIO, assertThrows(ErrnoException.class, file::force).errno());
        }
    }

    @Test
    void shouldGoOnWhereAllWasFlushedOfImageThatIsSetToHoldWrites() throws Exception {
        setToHoldWrites();
        try (RbdFile file = openAndFlush(map(""))) {
            writeAll(file, 1);
            file.force();
            broker.kill();
            broker.startAgain();
            assertEquals(1, read(file, BLOCKS - 1));
            writeAll(file, 2);
            file.force();
        }
    }

    @Test
    void shouldRefuseToMapWithoutCacheWhatIsSetToHoldWrites() throws Exception {
        setToHoldWrites();
        ErrnoException e = assertThrows(ErrnoException.class, () -> map("cache=off"));
        assertEquals(Errno.EOPNOTSUPP, e.errno());
        assertTrue(e.what().contains("rbd_cache=true (set for the image)"), e.what());
    }

    @Test
    void shouldRefuseToOpenForWritingWithoutCacheWhatIsSetToHoldWritesByNow() throws Exception {
        String path = map("cache=off");
        setToHoldWrites();
        IOException e =
                assertThrows(IOException.class, () -> RbdFile.openAt(broker.runDir(), path));
        assertTrue(e.getMessage().contains("rbd_cache=true (set for the image)"), e.getMessage());
        try (RbdFile file = RbdFile.openAt(broker.runDir(), path, StandardOpenOption.READ)) {
            assertEquals(0, read(file, 0));
        }
    }

    private void checkFailsAfterKill(String path) throws Exception {
        try (RbdFile file = openAndFlush(path)) {
            writeAll(file, 1);
            broker.kill();
            broker.startAgain();
            assertEquals(Errno.EIO, assertThrows(ErrnoException.class, file::force).errno());
        }
        try (RbdFile file = openAndFlush(path)) {
            writeAll(file, 2);
            assertEquals(2, read(file, BLOCKS - 1));
        }
    }

    private void setToHoldWrites() throws Exception {
        set("rbd_cache", "true");
        set("rbd_cache_policy", "writeback");
        set("rbd_cache_max_dirty", "16777216");
    }

    private void set(String name, String value) throws Exception {
        cluster.rbd("config", "image", "set", image, name, value);
    }

    private String map(String options) throws Exception {
        try (BrokerAdmin admin = broker.admin()) {
            return admin.map(
                    new MapRequest(
                            image,
                            image,
                            false,
                            OptionalLong.empty(),
                            OptionalLong.empty(),
                            MapRequest.DEFAULT_MODE,
                            options));
        }
    }

    /** librbd holds writes from the first flush on. */
    private RbdFile openAndFlush(String path) throws Exception {
        RbdFile file = RbdFile.openAt(broker.runDir(), path);
        file.force();
        return file;
    }

    private static void writeAll(RbdFile file, int value) throws Exception {
        byte[] bytes = new byte[BLOCK];
        bytes[0] = (byte) value;
        for (int block = 0; block < BLOCKS; block++) {
            file.write(ByteBuffer.wrap(bytes), (long) block * BLOCK);
        }
    }

    private static int read(RbdFile file, int block) throws Exception {
        ByteBuffer one = ByteBuffer.allocate(1);
        file.read(one, (long) block * BLOCK);
        return one.get(0);
    }
}
