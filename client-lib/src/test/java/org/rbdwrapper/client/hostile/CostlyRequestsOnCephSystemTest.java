package org.rbdwrapper.client.hostile;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;

import org.agrona.concurrent.UnsafeBuffer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;
import org.rbdwrapper.broker.testing.CephCluster;
import org.rbdwrapper.broker.testing.JavaProcess;
import org.rbdwrapper.client.RbdFile;
import org.rbdwrapper.client.admin.BrokerAdmin;
import org.rbdwrapper.client.admin.MapRequest;
import org.rbdwrapper.ipc.codec.IoOp;
import org.rbdwrapper.ipc.control.ControlConnection;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Stream;

/** As {@link CostlyRequestsSystemTest}, with a broker in a process of its own, on a cluster. */
@Tag("ceph")
@Timeout(value = 300, unit = TimeUnit.SECONDS)
@Execution(ExecutionMode.SAME_THREAD)
final class CostlyRequestsOnCephSystemTest {
    private static final String BROKER_MAIN = "org.rbdwrapper.broker.cli.BrokerMain";
    private static final int ARENA = 32 * 1024 * 1024;
    private static final int WRITES = 128;
    private static final int SMALL = 4096;
    private static final int USERS_OBJECTS = 8; // of long changes under way
    private static final long MEASURE_NANOS = 4_000_000_000L;

    private Path folder;
    private Path runDir;
    private JavaProcess broker;
    private BrokerAdmin admin;

    @BeforeEach
    void start() throws Exception {
        CephCluster cluster = CephCluster.get();
        folder = Files.createTempDirectory("rbdw-");
        runDir = folder.resolve("run");
        broker =
                JavaProcess.start(
                        Map.of(),
                        BROKER_MAIN,
                        "start",
                        "--foreground",
                        "--run-dir",
                        runDir.toString(),
                        "--state-dir",
                        folder.resolve("state").toString(),
                        "--store",
                        "ceph:" + cluster.conf(),
                        "--id",
                        cluster.id(),
                        "--max-messengers",
                        "2");
        broker.awaitLine("ready");
        admin = BrokerAdmin.connect("test", ControlConnection.connect(List.of(runDir)));
    }

    @AfterEach
    void stop() throws Exception {
        admin.close();
        broker.process().destroy();
        broker.process().waitFor();
        broker.close();
        try (Stream<Path> walk = Files.walk(folder)) {
            for (Path path : walk.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(path);
            }
        }
    }

    /** MiB. */
    private long resident(String field) throws IOException {
        return Files.readAllLines(Path.of("/proc/" + broker.process().pid() + "/status")).stream()
                .filter(line -> line.startsWith(field + ":"))
                .mapToLong(line -> Long.parseLong(line.replaceAll("[^0-9]", "")) / 1024)
                .findFirst()
                .orElseThrow();
    }

    private long used(String resource) throws Exception {
        try (JavaProcess command =
                JavaProcess.start(
                        Map.of(),
                        BROKER_MAIN,
                        "status",
                        "--run-dir",
                        runDir.toString(),
                        "--format",
                        "json")) {
            String out = command.awaitSuccess(60);
            JsonObject status =
                    JsonParser.parseString(out.substring(out.indexOf('{'))).getAsJsonObject();
            return status.getAsJsonObject("limits")
                    .getAsJsonObject(resource)
                    .get("used")
                    .getAsLong();
        }
    }

    /** Reads a second. */
    private static double reads(RbdFile file) throws IOException {
        ByteBuffer block = ByteBuffer.allocateDirect(SMALL);
        long began = System.nanoTime();
        long took = 0;
        int count = 0;
        while (took < MEASURE_NANOS) {
            file.read(block.clear(), (long) count % 64 * SMALL);
            count++;
            took = System.nanoTime() - began;
        }
        return count * 1e9 / took;
    }

    /** Reads a second beside a client that has so many small writes under way. */
    private double readsBesideWrites(RbdFile file, int writes) throws Exception {
        admin.create("written", 1L << 30);
        String path = admin.map(MapRequest.of("written"));
        AtomicBoolean stop = new AtomicBoolean();
        double reads;
        try (RbdFile written = RbdFile.openAt(runDir, path);
                ExecutorService writers = Executors.newFixedThreadPool(writes)) {
            List<Future<?>> done = new ArrayList<>();
            for (int i = 0; i < writes; i++) {
                long place = i * 8L * SMALL * SMALL;
                done.add(
                        writers.submit(
                                () -> {
                                    ByteBuffer block = ByteBuffer.allocateDirect(SMALL);
                                    for (long n = 0; !stop.get(); n++) {
                                        written.write(block.clear(), place + n % SMALL * SMALL);
                                    }
                                    return null;
                                }));
            }
            reads = reads(file);
            stop.set(true);
            for (Future<?> writer : done) {
                writer.get();
            }
        }
        admin.unmap(path, false);
        admin.remove("written", (done, total) -> {});
        return reads;
    }

    @Test
    void shouldCopyNoMoreThanTheArenaOfWritesThatNameTheSameBytes() throws Exception {
        admin.create("named", 2L * ARENA);
        String path = admin.map(MapRequest.of("named"));
        try (RawSession session = new RawSession(runDir, WRITES, ARENA)) {
            int handle = session.open(path);
            UnsafeBuffer memory = session.everything();
            memory.setMemory(memory.capacity() - ARENA, ARENA, (byte) 7); // so it is there before
            long before = resident("VmHWM");
            for (int tag = 0; tag < WRITES; tag++) {
                session.prepare(tag, handle, IoOp.WRITE.value(), 0, ARENA, 0);
                session.publish();
            }
            session.ring();
            for (int tag = 0; tag < WRITES; tag++) {
                assertEquals(ARENA, session.awaitResult());
            }
            long grown = resident("VmHWM") - before;
            System.out.printf(
                    "%d writes of %d MiB of the same bytes: the broker from %d MiB, at most %d MiB"
                            + " more%n",
                    WRITES, ARENA >> 20, before, grown);
            // a copy of librbd's and one of the messenger's, not 128 of either
            assertTrue(grown < 12 * (ARENA >> 20), "grown by " + grown + " MiB");
        }
        admin.unmap(path, false);
        admin.remove("named", (done, total) -> {});
        assertEquals(0, used("in_flight_bytes"));
    }

    @Test
    void shouldServeOthersBesideADiscardOf4TiBAndStopItWithItsClient() throws Exception {
        CephCluster cluster = CephCluster.get();
        cluster.rbd("create", "--image-feature", "layering", "--size", "4T", "huge");
        admin.create("read", 64L * SMALL);
        String path = admin.map(MapRequest.of("huge"));
        try (RbdFile file = RbdFile.openAt(runDir, admin.map(MapRequest.of("read")))) {
            file.write(ByteBuffer.allocate(64 * SMALL), 0);
            reads(file);
            double alone = reads(file);
            double besideWrites = readsBesideWrites(file, USERS_OBJECTS);
            long before = resident("VmRSS");
            int clients = admin.clients().size();
            double beside;
            try (RawSession session = new RawSession(runDir)) {
                int handle = session.open(path);
                session.prepare(0, handle, IoOp.DISCARD.value(), 0, 4L << 40, 0);
                session.publish();
                session.ring();
                beside = reads(file);
                assertNull(session.pollResult(), "it has ended before anything was seen");
            }
            while (admin.clients().size() > clients) {
                Thread.sleep(10);
            }
            admin.unmap(path, false); // when the image is closed, and so nothing is under way
            assertEquals(0, used("changed_objects"));
            double after = reads(file);
            long grown = resident("VmHWM") - before;
            System.out.printf(
                    "reads a second: alone %.0f, beside %d small writes at a time %.0f (%.2f),"
                            + " beside a discard of 4 TiB %.0f (%.2f), after it %.0f (%.2f); the"
                            + " broker from %d MiB, at most %d MiB more%n",
                    alone,
                    USERS_OBJECTS,
                    besideWrites,
                    besideWrites / alone,
                    beside,
                    beside / alone,
                    after,
                    after / alone,
                    before,
                    grown);
            // the store's time is shared with whoever asks for as many things at a time
            assertTrue(beside > besideWrites / 3, "others were kept from reading");
            assertTrue(after > alone / 3, "it goes on after its end");
            assertTrue(grown < 256, "grown by " + grown + " MiB");
        }
        cluster.rbd("trash", "mv", "huge"); // to remove it is to ask for each object
        admin.unmap("/rbdw/read", false);
        admin.remove("read", (done, total) -> {});
    }
}
