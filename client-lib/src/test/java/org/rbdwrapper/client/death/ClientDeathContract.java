package org.rbdwrapper.client.death;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;
import org.rbdwrapper.broker.testing.JavaProcess;
import org.rbdwrapper.client.RbdFile;
import org.rbdwrapper.client.ReadingClient;
import org.rbdwrapper.client.admin.BrokerAdmin;
import org.rbdwrapper.client.admin.MapRequest;
import org.rbdwrapper.client.nativelib.NativeProgram;
import org.rbdwrapper.ipc.Errno;
import org.rbdwrapper.ipc.ErrnoException;

import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;

/** Clients that end at any instant, or stop, beside one that must not notice. */
@Timeout(300) // with more kills: -Djunit.jupiter.execution.timeout.mode=disabled
@Execution(ExecutionMode.SAME_THREAD)
abstract class ClientDeathContract {
    private static final int KILLS = Integer.getInteger("rbdw.kills", 1000);
    private static final String FLOCK = "/usr/bin/flock";
    private static final String PYTHON = "/usr/bin/python3";
    private static final String HOLDS_LOCK =
            """
            import fcntl, sys, time
            image = open(sys.argv[1], "rb", 0)
            fcntl.flock(image, fcntl.LOCK_EX)
            print("locked", flush=True)
            time.sleep(60)
            """;
    private static final int AT_ONCE = 8;
    private static final int SIZE = 8 * 1024 * 1024;
    private static final long STOPPED_NANOS =
            TimeUnit.SECONDS.toNanos(Integer.getInteger("rbdw.stopped.seconds", 2));

    private final AtomicBoolean stop = new AtomicBoolean();
    private final AtomicLong goodOperations = new AtomicLong();
    private final String churned = "churned-" + System.nanoTime();
    private final String beside = "beside-" + System.nanoTime();
    private BrokerProcess broker;
    private BrokerAdmin admin;
    private CompletableFuture<Void> good;

    /** For {@code rbdwrapper-broker start}. */
    abstract String[] options() throws Exception;

    /** How many there are as soon as clients have come. */
    abstract int messengers();

    /** What the store's other side has of the broker for this image, by name. */
    Map<String, Integer> holdingsInStore(String image) throws Exception {
        return Map.of();
    }

    @BeforeEach
    void startBrokerAndGoodClient() throws Exception {
        broker = BrokerProcess.start(options());
        admin = broker.admin();
        admin.create(churned, SIZE);
        admin.create(beside, SIZE);
        admin.map(MapRequest.of(churned));
        String path = admin.map(MapRequest.of(beside));
        // a thread of its own: it would hold the pool that tells of processes' ends
        good =
                CompletableFuture.runAsync(
                        () -> work(path), task -> Thread.ofPlatform().daemon().start(task));
    }

    @AfterEach
    void shouldHaveLeftTheGoodClientAlone() throws Exception {
        try {
            long before = goodOperations.get();
            while (goodOperations.get() < before + 100 && !good.isDone()) {
                Thread.sleep(1);
            }
            stop.set(true);
            good.join();
            admin.unmap("/rbdw/" + beside, false);
            admin.remove(beside, (done, total) -> {});
            admin.close();
        } finally {
            stop.set(true);
            broker.close();
        }
    }

    @Test
    void shouldHoldNothingOfClientsThatWereKilled() throws Exception {
        Map<String, Integer> before = holdingsWithAllMessengers();
        long seed = System.nanoTime() % 1_000_000;
        churn(KILLS, seed);
        Map<String, Integer> after = holdings();
        Map<String, Integer> more = new TreeMap<>(after);
        more.entrySet().removeAll(before.entrySet());
        assertEquals(before, after, () -> "seed " + seed + ": different is " + more);
        admin.unmap("/rbdw/" + churned, false); // nobody has it
        admin.remove(churned, (done, total) -> {});
    }

    @Test
    void shouldFreeTheLockOfWhoWasKilled() throws Exception {
        assumeTrue(Files.isExecutable(Path.of(FLOCK)), "flock is not installed");
        assumeTrue(Files.isExecutable(Path.of(PYTHON)), "python3 is not installed");
        try (NativeProgram holder = preloaded(PYTHON, "-c", HOLDS_LOCK, "/rbdw/" + churned)) {
            holder.awaitLine("locked");
            assertFalse(isFree());
        } // killed, and waited for
        assertTrue(isFree());
        admin.unmap("/rbdw/" + churned, false);
        admin.remove(churned, (done, total) -> {});
    }

    @Test
    void shouldGoOnBesideAClientThatIsStopped() throws Exception {
        try (JavaProcess stopped =
                JavaProcess.start(
                        Map.of(),
                        ReadingClient.class,
                        broker.runDir().toString(),
                        "/rbdw/" + churned)) {
            stopped.awaitLine("reading");
            stopped.freeze();
            long operations = goodOperations.get();
            long began = System.nanoTime();
            while (System.nanoTime() - began < STOPPED_NANOS) {
                churn(20); // on the same image
            }
            assertTrue(goodOperations.get() > operations);
            ErrnoException used =
                    assertThrows(
                            ErrnoException.class, () -> admin.unmap("/rbdw/" + churned, false));
            assertEquals(Errno.EBUSY, used.errno());
            assertTrue(used.what().contains("pid " + stopped.process().pid()), used.what());
            admin.unmap("/rbdw/" + churned, true);
            admin.remove(churned, (done, total) -> {});
        }
    }

    /** When each messenger is there, and what the JVM makes at first use. */
    private Map<String, Integer> holdingsWithAllMessengers() throws Exception {
        Map<String, Integer> now = Map.of();
        while (messengersOf(now) < messengers()) {
            churn(200);
            now = holdings(); // the test's time limit ends a wait in vain
        }
        return now;
    }

    private static long messengersOf(Map<String, Integer> holdings) {
        return holdings.keySet().stream()
                .filter(what -> what.startsWith("thread messenger-"))
                .count();
    }

    /** Of the broker, and of both images where they are. */
    private Map<String, Integer> holdings() throws Exception {
        Map<String, Integer> all = new TreeMap<>(broker.awaitSteadyHoldings());
        for (String image : List.of(churned, beside)) {
            holdingsInStore(image).forEach((what, n) -> all.put(what + " " + image, n));
        }
        return all;
    }

    /** Nobody has a lock on the image. */
    private boolean isFree() throws Exception {
        try (NativeProgram flock = preloaded(FLOCK, "--nonblock", "/rbdw/" + churned, "true")) {
            NativeProgram.Result result = flock.await();
            assertTrue(result.exitCode() == 0 || result.errors().isEmpty(), result::errors);
            return result.exitCode() == 0;
        }
    }

    private NativeProgram preloaded(String... command) throws Exception {
        return NativeProgram.start(
                broker.runDir(),
                Map.of("LD_PRELOAD", NativeProgram.FOLDER.resolve("librbdwrapper.so").toString()),
                new byte[0],
                command);
    }

    private void churn(int kills) throws Exception {
        churn(kills, kills);
    }

    private void churn(int kills, long seed) throws Exception {
        try (NativeProgram program =
                NativeProgram.start(
                        broker.runDir(),
                        Map.of(),
                        new byte[0],
                        "rbdw_churn",
                        "/rbdw/" + churned,
                        Integer.toString(kills),
                        Integer.toString(AT_ONCE),
                        Long.toString(seed))) {
            assertEquals(
                    "killed " + kills + "\n",
                    program.await(120 + kills / 10).expectSuccess().text());
        }
    }

    /** Writes and reads back, on another image. */
    private void work(String path) {
        SplittableRandom random = new SplittableRandom(1);
        ByteBuffer written = ByteBuffer.allocate(4096);
        ByteBuffer back = ByteBuffer.allocate(4096);
        try (RbdFile file = RbdFile.openAt(broker.runDir(), path)) {
            while (!stop.get()) {
                random.nextBytes(written.array());
                long position = random.nextInt(SIZE - 4096);
                file.write(written.clear(), position);
                file.read(back.clear(), position);
                assertEquals(written.flip(), back.flip());
                goodOperations.incrementAndGet();
            }
        } catch (Exception e) {
            throw new IllegalStateException("the good client failed", e);
        }
    }
}
