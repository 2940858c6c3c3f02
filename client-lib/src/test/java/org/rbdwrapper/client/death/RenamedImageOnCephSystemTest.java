package org.rbdwrapper.client.death;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.rbdwrapper.broker.testing.CephCluster;
import org.rbdwrapper.client.RbdFile;
import org.rbdwrapper.client.admin.BrokerAdmin;
import org.rbdwrapper.client.admin.MapRequest;
import org.rbdwrapper.ipc.Errno;
import org.rbdwrapper.ipc.ErrnoException;

import java.nio.ByteBuffer;
import java.nio.file.NoSuchFileException;
import java.util.List;
import java.util.OptionalLong;

/** A mapping leads to the image that was mapped, wherever its name goes. */
@Tag("ceph")
final class RenamedImageOnCephSystemTest {
    private static final int MIB = 1 << 20;

    private final String old = "old-" + System.nanoTime();
    private final String now = "now-" + System.nanoTime();
    private CephCluster cluster;
    private BrokerProcess broker;
    private String path;

    @BeforeEach
    void mapImage() throws Exception {
        cluster = CephCluster.get();
        broker = BrokerProcess.start("--store", "ceph:" + cluster.conf(), "--id", cluster.id());
        try (BrokerAdmin admin = broker.admin()) {
            admin.create(old, MIB);
            path = admin.map(MapRequest.of(old));
        }
    }

    @AfterEach
    void removeImages() throws Exception {
        broker.close();
        List<String> images = cluster.rbd("ls").lines().toList();
        for (String image : List.of(old, now)) {
            if (images.contains(image)) {
                cluster.rbd("rm", "--no-progress", image);
            }
        }
    }

    @Test
    void shouldGoOnWithImageThatWasRenamedOverKillAndRestart() throws Exception {
        try (RbdFile file = RbdFile.openAt(broker.runDir(), path)) {
            write(file, 1);
            file.force();
            rename();
            write(file, 2);
            broker.kill();
            broker.startAgain();
            assertEquals(2, read(file));
            write(file, 3);
            file.force();
            cluster.rbd("create", "--size", "2", old);
            broker.stopForSuccessor();
            broker.startAgain();
            assertEquals(3, read(file));
            try (RbdFile second = RbdFile.openAt(broker.runDir(), path)) {
                assertEquals(3, read(second));
                assertEquals(MIB, second.size());
                write(second, 4);
                assertEquals(4, read(file));
            }
        }
    }

    @Test
    void shouldShareImageThatIsMappedByBothItsNames() throws Exception {
        rename();
        try (BrokerAdmin admin = broker.admin()) {
            String again = admin.map(MapRequest.of(now));
            try (RbdFile first = RbdFile.openAt(broker.runDir(), path);
                    RbdFile second = RbdFile.openAt(broker.runDir(), again)) {
                write(first, 1);
                assertEquals(1, read(second));
                write(second, 2);
                assertEquals(2, read(first));
            }
            assertFails(Errno.EBUSY, () -> admin.map(request(now, "third", "cache=writeback")));
            assertFails(Errno.EBUSY, () -> admin.remove(now, (done, total) -> {}));
            admin.unmap(again, false);
            assertFails(Errno.EBUSY, () -> admin.remove(now, (done, total) -> {}));
        }
    }

    @Test
    void shouldKeepImagesOfOneNameApart() throws Exception {
        rename();
        cluster.rbd("create", "--size", "2", old);
        try (BrokerAdmin admin = broker.admin()) {
            String other = admin.map(request(old, "other", "cache=writeback"));
            try (RbdFile first = RbdFile.openAt(broker.runDir(), path);
                    RbdFile second = RbdFile.openAt(broker.runDir(), other)) {
                write(first, 1);
                write(second, 2);
                assertEquals(1, read(first));
                assertEquals(2, read(second));
            }
            assertFails(Errno.EINVAL, () -> admin.unmap(old, false)); // which of them?
            admin.unmap(other, false);
            admin.remove(old, (done, total) -> {}); // nobody has this one mapped
            assertFalse(cluster.rbd("ls").lines().toList().contains(old));
            try (RbdFile first = RbdFile.openAt(broker.runDir(), path)) {
                assertEquals(1, read(first));
            }
        }
    }

    @Test
    void shouldAdministerImageByTheNameThatItHasNow() throws Exception {
        rename();
        try (BrokerAdmin admin = broker.admin();
                RbdFile file = RbdFile.openAt(broker.runDir(), path)) {
            admin.resize(now, 2 * MIB, false, (done, total) -> {});
            assertEquals(2 * MIB, file.size());
            assertFails(Errno.ENOENT, () -> admin.describe(old));
            assertEquals(2 * MIB, admin.describe(now).size());
            assertEquals(old, admin.mappings().getFirst().image());
        }
        try (BrokerAdmin admin = broker.admin()) {
            admin.unmap(now, false);
            assertTrue(admin.mappings().isEmpty());
            assertFails(Errno.ENOENT, () -> admin.unmap(now, false));
        }
    }

    @Test
    void shouldUnmapByTheNameThatItHadWhateverBecameOfIt() throws Exception {
        rename();
        try (BrokerAdmin admin = broker.admin()) {
            admin.unmap(old, false);
            path = admin.map(MapRequest.of(now));
            cluster.rbd("trash", "mv", now);
            assertFails(Errno.ENOENT, () -> RbdFile.openAt(broker.runDir(), path).size());
            admin.unmap(now, false);
            assertTrue(admin.mappings().isEmpty());
        }
        String id = cluster.rbd("trash", "ls").lines().filter(l -> l.contains(now)).findAny().get();
        cluster.rbd("trash", "rm", "--no-progress", id.strip().split("\\s+")[0]);
    }

    private void rename() throws Exception {
        cluster.rbd("rename", old, now);
    }

    private static void assertFails(Errno errno, Executable call) {
        Exception failure = assertThrows(Exception.class, call);
        Throwable cause = failure instanceof ErrnoException ? failure : failure.getCause();
        Errno seen =
                failure instanceof NoSuchFileException
                        ? Errno.ENOENT
                        : ((ErrnoException) cause).errno();
        assertEquals(errno, seen, failure.getMessage());
    }

    private static MapRequest request(String spec, String name, String options) {
        return new MapRequest(
                spec,
                name,
                false,
                OptionalLong.empty(),
                OptionalLong.empty(),
                MapRequest.DEFAULT_MODE,
                options);
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
