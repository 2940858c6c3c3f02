package org.rbdwrapper.client.death;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.rbdwrapper.client.RbdFile;
import org.rbdwrapper.client.admin.BrokerAdmin;
import org.rbdwrapper.client.admin.MapRequest;
import org.rbdwrapper.ipc.Errno;
import org.rbdwrapper.ipc.ErrnoException;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/** What a program meets when the cluster is not well: where it gets errors, until that is over. */
final class RefusingClusterSystemTest extends SickClusterFixture {
    private static final int IO_TIMEOUT_SECONDS = 4;
    private static final int BLOCK = 4096;
    private static final int BLOCKS = 64;

    @Test
    void shouldEndRequestsAfterIoTimeoutAndGoOnWithTheNextOnes() throws Exception {
        admin.unmap(path, false);
        path = admin.map(request(image, "timed", "io-timeout=" + IO_TIMEOUT_SECONDS));
        try (RbdFile file = open()) {
            for (int i = 0; i < BLOCKS; i++) {
                file.write(block(i), (long) i * BLOCK);
            }
            cluster.signal("osd.0", "STOP");
            try {
                long began = System.nanoTime();
                assertEquals(Errno.ETIMEDOUT, errnoOfRead(file, 0));
                assertTrue(System.nanoTime() - began >= 3_000_000_000L, "that was early");
                assertEquals(Errno.ETIMEDOUT, errnoOfWrite(file, SIZE / 2));
                awaitLine("image rbd/" + image + ": the store", 10);
            } finally {
                cluster.signal("osd.0", "CONT");
            }
            awaitAnswer(() -> file.write(block(7), SIZE / 2));
            ByteBuffer one = ByteBuffer.allocate(BLOCK);
            for (int i = 0; i < BLOCKS; i++) {
                assertEquals(BLOCK, file.read(one.clear(), (long) i * BLOCK));
                assertEquals(block(i), one.flip(), "nothing that came late is in a client's arena");
            }
            file.read(one.clear(), SIZE / 2);
            assertEquals(block(7), one.flip());
        }
        assertEquals(1, linesWith("fails requests with ETIMEDOUT"), broker.output());
    }

    @Test
    void shouldWaitForWhatComesWithinIoTimeout() throws Exception {
        admin.unmap(path, false);
        path = admin.map(request(image, "timed", "io-timeout=60"));
        try (ModelLoad load = ModelLoad.start(broker.runDir(), path, SIZE)) {
            cluster.signal("osd.0", "STOP");
            try {
                Thread.sleep(3000);
            } finally {
                cluster.signal("osd.0", "CONT");
            }
            load.awaitProgress();
            load.end();
        }
        assertEquals(0, linesWith("fails requests"), broker.output());
    }

    @Test
    void shouldRefuseIoTimeoutThatCannotBe() throws Exception {
        admin.unmap(path, false);
        for (String option : new String[] {"-1", "3601", "1.5", "", "10s"}) {
            assertRefused(Errno.EINVAL, "io-timeout=" + option);
        }
        assertRefused(Errno.EINVAL, "io-timeout=5,cache=writeback");
        path = admin.map(request(image, "timed", "io-timeout=5"));
        assertRefused(Errno.EBUSY, "io-timeout=6");
        assertRefused(Errno.EBUSY, "");
        assertEquals("io-timeout=5", admin.mappings().getFirst().options());
    }

    @Test
    void shouldFailWritesWhileAnotherHostKeepsTheExclusiveLock() throws Exception {
        try (RbdFile file = open()) {
            file.write(block(1), 0);
            Process other =
                    new ProcessBuilder(
                                    "python3",
                                    PROGRAMS.resolve("python_rbd_lock.py").toString(),
                                    cluster.conf().toString(),
                                    "rbd",
                                    image)
                            .redirectError(ProcessBuilder.Redirect.INHERIT)
                            .start();
            try (BufferedReader output = other.inputReader()) {
                assertEquals("locked", output.readLine());
                assertEquals(Errno.EROFS, errnoOfWrite(file, 0));
                assertEquals(Errno.EROFS, errnoOfWrite(file, 0));
                ByteBuffer one = ByteBuffer.allocate(BLOCK);
                assertEquals(BLOCK, file.read(one, 0), "reads go on");
                assertEquals(block(1), one.flip());
                awaitLine("fails requests with EROFS", 10);
                other.getOutputStream().close();
                assertEquals("released", output.readLine());
            } finally {
                other.destroyForcibly();
            }
            assertEquals(BLOCK, file.write(block(2), 0), "without opening it again");
        }
        assertEquals(1, linesWith("fails requests with EROFS"), broker.output());
    }

    @Test
    void shouldHandTheExclusiveLockToAndFroWithAnotherHost() throws Exception {
        try (BrokerProcess host = startAnotherBroker();
                BrokerAdmin there = host.admin();
                RbdFile here = open();
                RbdFile other = RbdFile.openAt(host.runDir(), there.map(MapRequest.of(image)))) {
            ByteBuffer one = ByteBuffer.allocate(BLOCK);
            for (int i = 0; i < 4; i++) {
                here.write(block(i), 0);
                other.read(one.clear(), 0);
                assertEquals(block(i), one.flip());
                other.write(block(-i), 0);
                here.read(one.clear(), 0);
                assertEquals(block(-i), one.flip());
            }
        }
        assertEquals(0, linesWith("fails requests"), broker.output());
    }

    @Test
    void shouldGoOnWithOpenImagesWhenItsKeyIsRemovedAndRefuseNewClients() throws Exception {
        Path key = broker.stateDir().resolve("key");
        cluster.ceph("auth", "get", "client." + cluster.id(), "-o", key.toString());
        admin.create(image + "-2", SIZE);
        try (RbdFile file = open()) {
            file.write(block(1), 0);
            cluster.ceph("auth", "del", "client." + cluster.id());
            try {
                file.write(block(2), 0);
                ErrnoException refused =
                        assertThrows( // an io-timeout has a Ceph client of its own
                                ErrnoException.class,
                                () -> admin.map(request(image + "-2", "new", "io-timeout=9")));
                assertEquals(Errno.EACCES, refused.errno(), refused.what());
            } finally {
                cluster.ceph("auth", "import", "-i", key.toString());
                Files.delete(key);
            }
            file.write(block(3), 0);
            admin.map(request(image + "-2", "new", "io-timeout=9"));
        }
    }

    @Test
    void shouldFailReadsOfSnapshotThatIsRemoved() throws Exception {
        try (RbdFile file = open()) {
            file.write(block(1), 0);
        }
        cluster.rbd("snap", "create", "--no-progress", image + "@before");
        String snapshot = admin.map(MapRequest.of(image + "@before"));
        try (RbdFile file = RbdFile.openAt(broker.runDir(), snapshot, StandardOpenOption.READ)) {
            ByteBuffer one = ByteBuffer.allocate(BLOCK);
            file.read(one, 0);
            assertEquals(block(1), one.flip());
            cluster.rbd("snap", "rm", "--no-progress", image + "@before");
            assertThrows(
                    NoSuchFileException.class,
                    () -> {
                        long deadline = System.nanoTime() + 30_000_000_000L;
                        while (System.nanoTime() < deadline) { // the cluster takes its time
                            file.read(one.clear(), 0);
                            Thread.sleep(20);
                        }
                    });
            awaitLine("image rbd/" + image + "@before: the store", 10);
        }
    }

    /** An OSD that comes back has other things to do first. */
    private static void awaitAnswer(IoCall call) throws IOException {
        long deadline = System.nanoTime() + 60_000_000_000L;
        while (true) {
            try {
                call.run();
                return;
            } catch (ErrnoException e) {
                if (!e.errno().equals(Errno.ETIMEDOUT) || System.nanoTime() > deadline) {
                    throw e;
                }
            }
        }
    }

    @FunctionalInterface
    private interface IoCall {
        void run() throws IOException;
    }

    private void assertRefused(Errno errno, String options) {
        ErrnoException e =
                assertThrows(
                        ErrnoException.class, () -> admin.map(request(image, "again", options)));
        assertEquals(errno, e.errno(), e.what());
    }

    private static ByteBuffer block(int number) {
        ByteBuffer block = ByteBuffer.allocate(BLOCK);
        while (block.hasRemaining()) {
            block.putInt(number);
        }
        return block.flip();
    }
}
