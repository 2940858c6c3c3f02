package org.rbdwrapper.client.death;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

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

import java.nio.ByteBuffer;
import java.util.OptionalLong;

/** What a broker's end means for an image with a cache, whose writes may have been there alone. */
@Tag("ceph")
final class CacheDeathOnCephSystemTest {
    private final String image = "cached-" + System.nanoTime();
    private BrokerProcess broker;
    private String path;

    @BeforeEach
    void startBroker() throws Exception {
        broker =
                BrokerProcess.start(
                        "--store",
                        "ceph:" + CephCluster.get().conf(),
                        "--id",
                        CephCluster.get().id());
        try (BrokerAdmin admin = broker.admin()) {
            admin.create(image, 1 << 20);
            path =
                    admin.map(
                            new MapRequest(
                                    image,
                                    image,
                                    false,
                                    OptionalLong.empty(),
                                    OptionalLong.empty(),
                                    MapRequest.DEFAULT_MODE,
                                    "cache=writeback"));
        }
    }

    @AfterEach
    void stopBroker() throws Exception {
        try (BrokerAdmin admin = broker.admin()) {
            admin.unmap(path, true);
            admin.remove(image, (done, total) -> {});
        } finally {
            broker.close();
        }
    }

    @Test
    void shouldFailFileWhoseUnflushedWriteDiedWithItsBroker() throws Exception {
        try (RbdFile file = openAndFlush()) {
            write(file, 1);
            broker.kill();
            broker.startAgain();
            ErrnoException e = assertThrows(ErrnoException.class, () -> write(file, 2));
            assertEquals(Errno.EIO, e.errno());
            assertEquals(Errno.EIO, assertThrows(ErrnoException.class, () -> file.force()).errno());
        }
        try (RbdFile file = openAndFlush()) {
            write(file, 3);
            assertEquals(3, read(file));
        }
    }

    @Test
    void shouldGoOnWhereAllWasFlushedWhenBrokerDied() throws Exception {
        try (RbdFile file = openAndFlush()) {
            write(file, 1);
            file.force();
            broker.kill();
            broker.startAgain();
            assertEquals(1, read(file));
            write(file, 2);
            file.force();
        }
    }

    @Test
    void shouldLoseNothingOfCacheInRestart() throws Exception {
        try (RbdFile file = openAndFlush()) {
            write(file, 1);
            broker.stopForSuccessor();
            broker.startAgain();
            assertEquals(1, read(file));
            write(file, 2);
            file.force();
        }
    }

    @Test
    void shouldLeaveOtherFilesAloneWhenOneThatWasLostIsClosed() throws Exception {
        String other = image + "-beside";
        String beside;
        try (BrokerAdmin admin = broker.admin()) {
            admin.create(other, 1 << 20);
            beside = admin.map(MapRequest.of(other));
        }
        RbdFile lost = openAndFlush();
        try (RbdFile kept = RbdFile.openAt(broker.runDir(), beside)) {
            write(lost, 1);
            broker.kill();
            broker.startAgain();
            write(kept, 2);
            assertThrows(ErrnoException.class, () -> write(lost, 3));
            lost.close(); // its handle's number may be that of the other one now
            assertEquals(2, read(kept));
        } finally {
            try (BrokerAdmin admin = broker.admin()) {
                admin.unmap(beside, true);
                admin.remove(other, (done, total) -> {});
            }
        }
    }

    /** librbd caches from the first flush on. */
    private RbdFile openAndFlush() throws Exception {
        RbdFile file = RbdFile.openAt(broker.runDir(), path);
        file.force();
        return file;
    }

    private static void write(RbdFile file, int value) throws Exception {
        file.write(ByteBuffer.wrap(new byte[] {(byte) value}), 0);
    }

    private static int read(RbdFile file) throws Exception {
        ByteBuffer one = ByteBuffer.allocate(1);
        file.read(one, 0);
        return one.get(0);
    }
}
