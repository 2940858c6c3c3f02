package org.rbdwrapper.client.death;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.rbdwrapper.client.RbdFile;
import org.rbdwrapper.client.nativelib.NativeProgram;
import org.rbdwrapper.ipc.Errno;

import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;

/** What a program meets when the cluster is not well: where it has to wait, or to follow. */
final class SickClusterSystemTest extends SickClusterFixture {
    private static final int KILLS = Integer.getInteger("rbdw.osd.kills", 2);
    private static final long STALL_MILLIS = 1000;

    @Test
    void shouldLoseNothingWhenOsdIsKilledUnderLoad() throws Exception {
        try (ModelLoad load = ModelLoad.start(broker.runDir(), path, SIZE)) {
            for (int i = 0; i < KILLS; i++) {
                load.awaitProgress();
                cluster.killAndStartOsd();
            }
            load.awaitProgress();
            byte[] written = load.end();
            assertArrayEquals(written, exported());
        }
    }

    @Test
    void shouldWaitWhileOsdIsStopped() throws Exception {
        assertWaitsWhileStopped("osd.0");
    }

    @Test
    void shouldGoOnWhileMonitorIsStopped() throws Exception {
        try (ModelLoad load = ModelLoad.start(broker.runDir(), path, SIZE)) {
            cluster.signal("mon.a", "STOP");
            try {
                load.awaitProgress(); // open images need no monitor
            } finally {
                cluster.signal("mon.a", "CONT");
            }
            assertArrayEquals(load.end(), exported());
        }
    }

    @Test
    void shouldWaitWhilePoolIsFullAndSayOnceInLog() throws Exception {
        try (ModelLoad load = ModelLoad.start(broker.runDir(), path, SIZE)) {
            cluster.fill();
            try {
                awaitLine("image rbd/" + image + ": no answer from the store", 90);
                long during = load.operations();
                Thread.sleep(STALL_MILLIS);
                assertEquals(during, load.operations());
                assertFalse(load.hasFailed());
            } finally {
                cluster.relieve();
            }
            load.awaitProgress();
            awaitLine("image rbd/" + image + ": what waited for the store was answered", 30);
            assertArrayEquals(load.end(), exported());
        }
        assertEquals(1, linesWith("no answer from the store"), broker.output());
        assertEquals(1, linesWith("was answered, after"), broker.output());
    }

    @Test
    void shouldLetPreloadedProgramSeeImageGrow() throws Exception {
        try (NativeProgram program =
                NativeProgram.start(
                        broker.runDir(),
                        Map.of(
                                "LD_PRELOAD",
                                NativeProgram.FOLDER.resolve("librbdwrapper.so").toString()),
                        new byte[0],
                        "/usr/bin/python3",
                        PROGRAMS.resolve("python_grown.py").toString(),
                        path,
                        Integer.toString(2 * SIZE))) {
            program.awaitLine("open");
            cluster.rbd("resize", "--no-progress", "--size", "32M", image);
            program.await().expectSuccess();
        }
    }

    @Test
    void shouldSeeImageGrowAndShrinkUnderOpenHandle() throws Exception {
        ByteBuffer one = ByteBuffer.allocate(1);
        try (RbdFile file = open()) {
            assertEquals(Errno.ENOSPC, errnoOfWrite(file, SIZE));
            cluster.rbd("resize", "--no-progress", "--size", "32M", image);
            awaitSize(file, 2 * SIZE);
            assertEquals(1, file.write(one.clear(), SIZE));
            assertEquals(1, file.read(one.clear(), SIZE));
            cluster.rbd("resize", "--no-progress", "--allow-shrink", "--size", "8M", image);
            awaitSize(file, SIZE / 2);
            assertEquals(-1, file.read(one.clear(), SIZE / 2));
            assertEquals(Errno.ENOSPC, errnoOfWrite(file, SIZE / 2));
            assertThrows(Exception.class, () -> cluster.rbd("rm", "--no-progress", image));
            assertEquals(1, file.write(one.clear(), 0));
        }
    }

    @Test
    void shouldLetProgramBackInByOpeningAgainAfterItsClientWasBlocklisted() throws Exception {
        ByteBuffer one = ByteBuffer.allocate(1);
        try (RbdFile file = open()) {
            file.write(one.clear(), 0);
            String watcher =
                    cluster.rbd("status", image).replaceAll("(?s).*watcher=(\\S+).*", "$1");
            cluster.ceph("osd", "blocklist", "add", watcher, "60");
            // in order: an OSD has the new map before a request of who knows of it
            cluster.rbd("export", "--no-progress", image, "-");
            assertEquals(Errno.ESHUTDOWN, errnoOfWrite(file, 0));
            try (RbdFile again = open()) {
                assertEquals(1, again.write(ByteBuffer.wrap(new byte[] {7}), 0));
                assertEquals(Errno.ESHUTDOWN, errnoOfWrite(file, 0), "nothing old is let in");
                again.read(one.clear(), 0);
                assertEquals(7, one.get(0));
            }
        }
        assertEquals(1, linesWith("has blocklisted"), broker.output());
        assertEquals(1, linesWith("has a new Ceph client"), broker.output());
    }

    private void assertWaitsWhileStopped(String daemon) throws Exception {
        try (ModelLoad load = ModelLoad.start(broker.runDir(), path, SIZE)) {
            cluster.signal(daemon, "STOP");
            long during;
            try {
                Thread.sleep(STALL_MILLIS); // what was answered by then has been noticed
                during = load.operations();
                Thread.sleep(STALL_MILLIS);
                assertEquals(during, load.operations());
                assertFalse(load.hasFailed());
            } finally {
                cluster.signal(daemon, "CONT");
            }
            load.awaitProgress();
            assertTrue(load.operations() > during);
            assertArrayEquals(load.end(), exported());
        }
        assertEquals(0, linesWith("no answer from the store"), "that was not for long");
    }

    /** The cluster tells the broker in its own time. */
    private static void awaitSize(RbdFile file, long size) throws Exception {
        for (int i = 0; i < 1000 && file.size() != size; i++) {
            Thread.sleep(10);
        }
        assertEquals(size, file.size());
    }

    private byte[] exported() throws Exception {
        Path file = broker.stateDir().resolve(image);
        cluster.rbd("export", "--no-progress", image, file.toString());
        byte[] all = Files.readAllBytes(file);
        Files.delete(file);
        return all;
    }
}
