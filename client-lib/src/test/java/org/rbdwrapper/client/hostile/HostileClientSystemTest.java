package org.rbdwrapper.client.hostile;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.agrona.concurrent.UnsafeBuffer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;
import org.rbdwrapper.broker.testing.JavaProcess;
import org.rbdwrapper.client.RbdFile;
import org.rbdwrapper.client.admin.BrokerAdmin;
import org.rbdwrapper.client.admin.MapRequest;
import org.rbdwrapper.ipc.Errno;
import org.rbdwrapper.ipc.ErrnoException;
import org.rbdwrapper.ipc.RunDirectories;
import org.rbdwrapper.ipc.codec.IoOp;
import org.rbdwrapper.ipc.codec.IoRequestEncoder;
import org.rbdwrapper.ipc.control.ControlConnection;
import org.rbdwrapper.ipc.posix.Fd;
import org.rbdwrapper.ipc.posix.UnixSocket;
import org.rbdwrapper.ipc.segment.SegmentDescriptor;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Stream;

/**
 * Clients that write what no client writes, against a broker in a process of its own, beside a
 * client that works. After each test the broker must have as many descriptors, mappings and threads
 * as before.
 */
@Execution(ExecutionMode.SAME_THREAD)
final class HostileClientSystemTest {
    private static final int IMAGE_SIZE = 1024 * 1024;
    private static final String BROKER_MAIN = "org.rbdwrapper.broker.cli.BrokerMain";
    private static final long RECORDS = Long.getLong("rbdw.fuzz.records", 10_000_000L);
    private static final int RACE_SECONDS = Integer.getInteger("rbdw.race.seconds", 4);
    private static final int MAX_BATCHES = 500;
    private static final byte OWN_BYTE = 0x5a;
    private static final byte NEIGHBOURS_BYTE = 0x33;
    private static final int FRAMES = Integer.getInteger("rbdw.fuzz.frames", 5_000);

    private final AtomicBoolean stop = new AtomicBoolean();
    private final AtomicLong goodOperations = new AtomicLong();
    private final AtomicReference<Throwable> goodFailure = new AtomicReference<>();
    private Path folder;
    private Path runDir;
    private JavaProcess broker;
    private Thread goodClient;
    private List<Integer> resources;

    @BeforeEach
    void startBrokerAndGoodClient() throws Exception {
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
                        "memory",
                        "--max-messengers",
                        "2");
        broker.awaitLine("ready");
        try (BrokerAdmin admin = admin()) {
            for (String name : List.of("good", "hostile")) {
                admin.create(name, IMAGE_SIZE);
                admin.map(MapRequest.of(name));
            }
        }
        goodClient = Thread.ofPlatform().start(this::work);
        // every messenger and what the JVM makes at first use is there
        for (int i = 0; i < 20; i++) {
            try (RawSession session = new RawSession(runDir)) {
                session.open("/rbdw/hostile");
            }
        }
        resources = awaitSteadyResources();
    }

    @AfterEach
    void shouldHaveHarmedNobody() throws Exception {
        try {
            long before = goodOperations.get();
            long deadline = System.nanoTime() + 10_000_000_000L;
            while (goodOperations.get() < before + 100 && goodFailure.get() == null) {
                assertTrue(System.nanoTime() < deadline, "the good client's I/O does not go on");
                Thread.sleep(1);
            }
            stop.set(true);
            goodClient.join();
            assertNull(goodFailure.get(), () -> "the good client failed: " + goodFailure.get());
            assertTrue(broker.process().isAlive(), broker.output());
        } finally {
            stop.set(true);
            broker.process().destroy();
            broker.process().waitFor();
            broker.close();
            try (Stream<Path> walk = Files.walk(folder)) {
                for (Path path : walk.sorted(java.util.Comparator.reverseOrder()).toList()) {
                    Files.delete(path);
                }
            }
        }
    }

    @Test
    void shouldRefuseOrDisconnectForEachFieldOutOfBounds() throws Exception {
        long arena;
        try (RawSession session = new RawSession(runDir)) {
            arena = session.geometry.arenaLength();
        }
        int read = IoOp.READ.value();
        int write = IoOp.WRITE.value();
        List<Case> cases = new ArrayList<>();
        for (long bad :
                new long[] {
                    arena + 1, Long.MAX_VALUE, -1, Long.MIN_VALUE, 1L << 32, (1L << 32) + 8
                }) {
            cases.add(new Case("read length " + bad, 0, true, read, 0, bad, 0, null));
            cases.add(new Case("write length " + bad, 0, true, write, 0, bad, 0, null));
        }
        for (long bad :
                new long[] {
                    arena - 511, arena, arena + 1, 0x7fffffffL, 0xffffffffL, 0xffffffffL - 511
                }) {
            cases.add(new Case("arena offset " + bad, 0, true, read, 0, 512, bad, null));
        }
        for (long bad : new long[] {RawSession.DEPTH, 0xffff, 0x8000}) {
            cases.add(new Case("tag " + bad, bad, true, read, 0, 512, 0, null));
        }
        cases.add(new Case("position -1", 0, true, read, -1, 512, 0, -Errno.EINVAL.number()));
        cases.add(
                new Case(
                        "position min",
                        0,
                        true,
                        write,
                        Long.MIN_VALUE,
                        512,
                        0,
                        -Errno.EINVAL.number()));
        cases.add(new Case("position max", 0, true, read, Long.MAX_VALUE, 512, 0, 0));
        cases.add(
                new Case(
                        "write at end",
                        0,
                        true,
                        write,
                        IMAGE_SIZE,
                        512,
                        0,
                        -Errno.ENOSPC.number()));
        cases.add(new Case("write across end", 0, true, write, IMAGE_SIZE - 5, 512, 0, 5));
        cases.add(new Case("discard all", 0, true, 4, 5, Long.MAX_VALUE, 0, IMAGE_SIZE - 5));
        cases.add(new Case("discard negative", 0, true, 4, 5, -1, 0, -Errno.EINVAL.number()));
        cases.add(
                new Case(
                        "zeroes past end",
                        0,
                        true,
                        5,
                        Long.MAX_VALUE,
                        Long.MAX_VALUE,
                        0,
                        -Errno.ENOSPC.number()));
        cases.add(new Case("flush with nonsense", 0, true, 3, -7, -9, 0xffffffffL, 0));
        cases.add(new Case("unknown operation", 0, true, 77, 0, 0, 0, -Errno.EOPNOTSUPP.number()));
        cases.add(new Case("operation 255", 0, true, 255, 0, 0, 0, -Errno.EOPNOTSUPP.number()));
        cases.add(new Case("unknown handle", 0, false, read, 0, 512, 0, -Errno.EBADF.number()));
        for (Case c : cases) {
            try (RawSession session = new RawSession(runDir)) {
                int handle = session.open("/rbdw/hostile");
                session.prepare(
                        c.tag,
                        c.ownHandle ? handle : handle ^ 0x1000,
                        c.op,
                        c.position,
                        c.length,
                        c.arenaOffset);
                session.publish();
                session.ring();
                Long result = session.awaitResult();
                assertEquals(c.result, result == null ? null : (Integer) result.intValue(), c.name);
                if (c.result != null) {
                    // and the session goes on
                    session.prepare(1, handle, read, 0, 512, 0);
                    session.publish();
                    session.ring();
                    assertEquals(512, session.awaitResult(), c.name);
                }
            }
        }
        assertEquals(resources, awaitSteadyResources());
    }

    @Test
    void shouldDisconnectForDamagedRecords() throws Exception {
        List<Damage> damages = new ArrayList<>();
        for (int length : new int[] {1, 8, 63, 65, 128, Integer.MAX_VALUE}) {
            damages.add((session, offset) -> session.requests.putIntVolatile(offset, length));
        }
        for (int type : new int[] {-1, 0, 49, 51}) {
            damages.add(
                    (session, offset) -> {
                        session.requests.putInt(offset + SegmentDescriptor.TYPE_OFFSET, type);
                        session.publish();
                    });
        }
        for (int field = 0; field < 8; field += 2) {
            int at = field;
            for (int value : new int[] {0, 0xffff}) {
                damages.add(
                        (session, offset) -> {
                            session.requests.putShort(offset + 8 + at, (short) value);
                            session.publish();
                        });
            }
        }
        int number = 0;
        for (Damage damage : damages) {
            try (RawSession session = new RawSession(runDir)) {
                int handle = session.open("/rbdw/hostile");
                int offset = session.prepare(0, handle, 1, 0, 512, 0);
                damage.apply(session, offset);
                session.ring();
                // a version above ours is a later client's, and is read by what we know of it
                boolean laterVersion = number == damages.size() - 1;
                if (laterVersion) {
                    assertEquals(512, session.awaitResult());
                } else {
                    assertNull(session.awaitResult(), "damage " + number);
                }
            }
            number++;
        }
        // the same tag twice at once
        try (RawSession session = new RawSession(runDir)) {
            int handle = session.open("/rbdw/hostile");
            for (int i = 0; i < RawSession.DEPTH; i++) {
                session.prepare(3, handle, 1, 0, 512, 0);
                session.publish();
            }
            session.ring();
            for (int i = 0; i < RawSession.DEPTH; i++) {
                // the memory store completes at once: the tag is free again each time
                assertEquals(512, session.awaitResult());
            }
        }
        assertEquals(resources, awaitSteadyResources());
    }

    @Test
    void shouldSurviveMillionsOfRandomRecords() throws Exception {
        long seed = new SplittableRandom().nextLong(1_000_000);
        SplittableRandom random = new SplittableRandom(seed);
        long records = 0;
        long sessions = 0;
        while (records < RECORDS) {
            sessions++;
            try (RawSession session = new RawSession(runDir)) {
                int handle = session.open("/rbdw/hostile");
                records += flood(session, handle, random, RECORDS - records);
            }
        }
        System.out.println(
                "seed " + seed + ": " + records + " records in " + sessions + " sessions");
        assertTrue(sessions > 100, "the broker must have hung up on many: " + sessions);
        assertEquals(resources, awaitSteadyResources());
    }

    /**
     * Fields change between valid and invalid values while the broker reads them. Of all that can
     * be read through the image and the arena, nothing but the image's bytes may come, and nobody
     * else's arena may change.
     */
    @Test
    void shouldTouchNothingElseWhereFieldsChangeWhileTheyAreRead() throws Exception {
        SplittableRandom random = new SplittableRandom();
        long sessions = 0;
        long requests = 0;
        long hungUp = 0;
        try (RawSession neighbour = new RawSession(runDir)) {
            neighbour.open("/rbdw/hostile");
            fillArena(neighbour, NEIGHBOURS_BYTE);
            long end = System.nanoTime() + RACE_SECONDS * 1_000_000_000L;
            while (System.nanoTime() < end || hungUp < 5 || requests < 1_000) {
                sessions++;
                try (RawSession session = new RawSession(runDir)) {
                    int handle = session.open("/rbdw/hostile");
                    fillArena(session, OWN_BYTE);
                    requests += race(session, handle, random.split());
                    assertArenaHolds(session, OWN_BYTE);
                    hungUp += session.isHungUp(0) ? 1 : 0;
                }
            }
            assertArenaHolds(neighbour, NEIGHBOURS_BYTE);
            assertFalse(neighbour.isHungUp(0));
        }
        System.out.println(
                requests + " requests raced, of " + sessions + " sessions " + hungUp + " cut off");
        assertEquals(resources, awaitSteadyResources());
    }

    @Test
    void shouldSurviveScribblingOverWholeSegment() throws Exception {
        SplittableRandom random = new SplittableRandom(5);
        for (int i = 0; i < 200; i++) {
            try (RawSession session = new RawSession(runDir)) {
                int handle = session.open("/rbdw/hostile");
                // requests are under way while everything changes
                for (int tag = 0; tag < 16; tag++) {
                    session.prepare(tag, handle, 1 + tag % 5, 0, 4096, 0);
                    session.publish();
                }
                session.ring();
                var all = session.everything();
                for (int n = 0; n < 2000; n++) {
                    all.putLong(random.nextInt(all.capacity() / 8) * 8, random.nextLong());
                }
                session.ring();
                byte[] noise = new byte[session.requests.capacity()];
                new java.util.Random(i).nextBytes(noise);
                session.requests.putBytes(0, noise);
                for (int at = 0; at < noise.length; at += SegmentDescriptor.REQUEST_LENGTH) {
                    session.requests.putInt(at, 65 + random.nextInt(1 << 20)); // below 0 is empty
                }
                session.ring();
                assertTrue(session.isHungUp(10_000), "run " + i);
            }
        }
        assertEquals(resources, awaitSteadyResources());
    }

    @Test
    void shouldSurviveRandomFrames() throws Exception {
        SplittableRandom random = new SplittableRandom(11);
        String path = runDir.resolve(RunDirectories.SOCKET_NAME).toString();
        for (int i = 0; i < FRAMES; i++) {
            int socket = UnixSocket.connect(path);
            byte[] bytes = new byte[random.nextInt(200)];
            for (int n = 0; n < bytes.length; n++) {
                bytes[n] = (byte) random.nextInt();
            }
            if (bytes.length > 16 && random.nextInt(4) != 0) {
                // a frame whose length, schema and template are right, and what follows is not
                ByteBuffer frame = ByteBuffer.wrap(bytes).order(java.nio.ByteOrder.LITTLE_ENDIAN);
                frame.putInt(0, bytes.length - 4);
                frame.putShort(4, (short) random.nextInt(40));
                frame.putShort(6, (short) (random.nextInt(3) == 0 ? random.nextInt(60) : 1));
                frame.putShort(8, (short) IoRequestEncoder.SCHEMA_ID);
                frame.putShort(10, (short) 1);
            }
            RawSession.sendRaw(socket, bytes);
            Fd.close(socket);
        }
        assertEquals(resources, awaitSteadyResources());
    }

    /** Sends records until the broker hangs up or there are enough; returns how many. */
    private static long flood(RawSession session, int handle, SplittableRandom random, long limit) {
        long sent = 0;
        while (sent < limit) {
            int batch = (int) Math.min(RawSession.DEPTH, limit - sent);
            for (int tag = 0; tag < batch; tag++) {
                boolean wild = random.nextInt(20_000) == 0;
                long correlation =
                        (random.nextLong() & ~0xffffL) | (wild ? random.nextInt(0x10000) : tag);
                int offset =
                        session.prepare(
                                correlation,
                                random.nextInt(8) == 0 ? random.nextInt() : handle,
                                random.nextInt(4) == 0
                                        ? random.nextInt(256)
                                        : 1 + random.nextInt(5),
                                random.nextBoolean()
                                        ? random.nextLong()
                                        : random.nextInt(IMAGE_SIZE * 2),
                                wild ? random.nextLong() : random.nextInt(4097),
                                wild ? random.nextInt() : random.nextInt(60_000));
                if (wild) {
                    session.requests.putByte(
                            offset + 8 + random.nextInt(56), (byte) random.nextInt());
                }
                session.publish();
            }
            session.ring();
            sent += batch;
            for (int i = 0; i < batch; i++) {
                if (session.awaitResult() == null) {
                    return sent;
                }
            }
        }
        return sent;
    }

    /** Publishes while two threads change what is published; returns how many. */
    private static long race(RawSession session, int handle, SplittableRandom random)
            throws InterruptedException {
        AtomicBoolean done = new AtomicBoolean();
        List<Thread> flippers = new ArrayList<>();
        for (int i = 0; i < 2; i++) {
            SplittableRandom own = random.split();
            flippers.add(
                    Thread.ofPlatform()
                            .start(
                                    () -> {
                                        while (!done.get()) {
                                            flip(session, handle, own);
                                        }
                                    }));
        }
        long sent = 0;
        try {
            for (int batch = 0; batch < MAX_BATCHES; batch++) {
                for (int tag = 0; tag < RawSession.DEPTH; tag++) {
                    int op = 1 + random.nextInt(5);
                    session.prepare(tag, handle, op, random.nextInt(IMAGE_SIZE), 512, 0);
                    session.publish();
                }
                session.ring();
                for (int i = 0; i < RawSession.DEPTH; i++) {
                    if (session.awaitResult() == null) {
                        return sent;
                    }
                    sent++;
                }
            }
            return sent;
        } finally {
            done.set(true);
            for (Thread flipper : flippers) {
                flipper.join();
            }
        }
    }

    /**
     * Gives one field of one record, or of the trailer, another value: each is valid at times, with
     * some of the others.
     */
    private static void flip(RawSession session, int handle, SplittableRandom random) {
        UnsafeBuffer entries = session.requests;
        int entry = random.nextInt(2 * RawSession.DEPTH);
        int record = entry * SegmentDescriptor.REQUEST_LENGTH;
        int body = record + SegmentDescriptor.BODY_OFFSET;
        boolean wild = random.nextInt(200) == 0;
        int arena = session.geometry.arenaLength();
        switch (random.nextInt(9)) {
            case 0 ->
                    entries.putLong(
                            body + IoRequestEncoder.lengthEncodingOffset(),
                            wild ? random.nextLong() : 1L << random.nextInt(16));
            case 1 ->
                    entries.putInt(
                            body + IoRequestEncoder.arenaOffsetEncodingOffset(),
                            wild ? arena - random.nextInt(600) : random.nextInt(arena / 2));
            case 2 ->
                    entries.putLong(
                            body + IoRequestEncoder.positionEncodingOffset(),
                            wild ? random.nextLong() : IMAGE_SIZE - random.nextInt(2000));
            case 3 ->
                    entries.putByte(
                            body + IoRequestEncoder.opEncodingOffset(),
                            (byte) random.nextInt(wild ? 256 : 6));
            case 4 ->
                    entries.putInt(
                            body + IoRequestEncoder.handleEncodingOffset(),
                            wild ? random.nextInt() : handle);
            case 5 ->
                    entries.putLong(
                            body + IoRequestEncoder.correlationIdEncodingOffset(),
                            wild ? random.nextInt(0x10000) : entry % RawSession.DEPTH);
            case 6 -> scribbleOverTrailer(entries, random);
            case 7 -> {
                if (wild) {
                    entries.putInt(record + SegmentDescriptor.TYPE_OFFSET, random.nextInt());
                }
            }
            default -> {
                if (wild) { // one below 0 is waited for
                    entries.putInt(record, 1 + random.nextInt(1_000_000));
                }
            }
        }
    }

    private static void scribbleOverTrailer(UnsafeBuffer ring, SplittableRandom random) {
        int trailer = ring.capacity() - SegmentDescriptor.TRAILER_LENGTH;
        ring.putLong(
                trailer + 8 * random.nextInt(SegmentDescriptor.TRAILER_LENGTH / 8),
                random.nextBoolean() ? random.nextLong() : random.nextInt(1 << 16));
    }

    private static void fillArena(RawSession session, byte value) {
        session.everything()
                .setMemory(
                        (int) session.geometry.channelOffset(0) + session.geometry.arenaOffset(),
                        session.geometry.arenaLength(),
                        value);
    }

    /** Zeroes are in it where the image has them. */
    private static void assertArenaHolds(RawSession session, byte value) {
        UnsafeBuffer all = session.everything();
        int from = (int) session.geometry.channelOffset(0) + session.geometry.arenaOffset();
        for (int i = from; i < from + session.geometry.arenaLength(); i++) {
            byte there = all.getByte(i);
            if (there != value && there != 0) {
                throw new AssertionError("byte " + there + " at " + (i - from) + " of an arena");
            }
        }
    }

    private void work() {
        SplittableRandom random = new SplittableRandom(3);
        byte[] model = new byte[IMAGE_SIZE];
        try (RbdFile file = RbdFile.openAt(runDir, "/rbdw/good")) {
            while (!stop.get()) {
                int length = 1 + random.nextInt(70_000);
                int position = random.nextInt(IMAGE_SIZE - length);
                if (random.nextBoolean()) {
                    java.util.Arrays.fill(
                            model, position, position + length, (byte) random.nextInt());
                    file.write(ByteBuffer.wrap(model, position, length), position);
                } else {
                    ByteBuffer back = ByteBuffer.allocate(length);
                    file.read(back, position);
                    if (back.flip().mismatch(ByteBuffer.wrap(model, position, length)) >= 0) {
                        throw new IllegalStateException("difference at " + position);
                    }
                }
                goodOperations.incrementAndGet();
            }
        } catch (Throwable t) {
            goodFailure.set(t);
        }
    }

    /**
     * Descriptors, shared segments and clients of the broker, when they have not changed for a
     * while.
     */
    private List<Integer> awaitSteadyResources() throws IOException, InterruptedException {
        List<Integer> last = resources();
        int same = 0;
        for (int i = 0; i < 500 && same < 15; i++) {
            Thread.sleep(20);
            List<Integer> now = resources();
            same = now.equals(last) ? same + 1 : 0;
            last = now;
        }
        return last;
    }

    private List<Integer> resources() throws IOException {
        Path proc = Path.of("/proc", Long.toString(broker.process().pid()));
        int segments;
        try (Stream<String> maps = Files.lines(proc.resolve("maps"))) {
            segments = (int) maps.filter(line -> line.contains("rbdwrapper-session")).count();
        }
        String[] descriptors = proc.resolve("fd").toFile().list();
        try (BrokerAdmin admin = admin()) {
            return List.of(
                    descriptors == null ? -1 : descriptors.length,
                    segments,
                    admin.clients().size());
        }
    }

    private BrokerAdmin admin() throws ErrnoException {
        return BrokerAdmin.connect("test", ControlConnection.connect(List.of(runDir)));
    }

    /**
     * @param result null: the broker hangs up.
     */
    private record Case(
            String name,
            long tag,
            boolean ownHandle,
            int op,
            long position,
            long length,
            long arenaOffset,
            Integer result) {}

    @FunctionalInterface
    private interface Damage {
        void apply(RawSession session, int offset);
    }
}
