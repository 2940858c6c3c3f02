package org.rbdwrapper.client.death;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.Isolated;
import org.rbdwrapper.client.MappedSegments;
import org.rbdwrapper.client.RbdBuffer;
import org.rbdwrapper.client.RbdFile;

import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CountDownLatch;

/** What a Java program has begun without waiting for it when its broker is killed. */
@Isolated("counts what the JVM has mapped")
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
final class AsyncOverDeathSystemTest {
    private static final int KIB = 1024;
    private static final int MIB = 1024 * KIB;
    private static final int SIZE = 2 * MIB + 512 * KIB;

    /** Enough for this process to have heard of the broker's end. */
    private static final int HEARD_MILLIS = 500;

    private final CountDownLatch goOn = new CountDownLatch(1);
    private BrokerProcess broker;
    private String path;
    private MappedSegments segments;
    private RbdFile file;

    @BeforeEach
    void open() throws Exception {
        broker = BrokerProcess.startProgram(FaultyStoreBroker.class.getName());
        path = broker.createAndMap("img", SIZE);
        segments = MappedSegments.sinceNow();
        file = RbdFile.openAt(broker.runDir(), path);
    }

    @AfterEach
    @Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
    void close() throws Exception {
        goOn.countDown();
        file.close();
        broker.close();
    }

    /** The next broker's memory is not that of the buffer, and is the program's, too. */
    @Test
    void shouldWriteWhatABufferOfTheBrokerBeforeHolds() throws Exception {
        byte[] ones = filled(MIB, 1);
        try (RbdBuffer before = file.allocate(MIB);
                RbdBuffer small = file.allocate(512)) {
            before.bytes().put(0, ones);
            broker.kill();
            Thread.sleep(HEARD_MILLIS);
            FaultyStoreBroker.delayWrites(broker, 3000);
            CompletableFuture<Integer> write = file.writeAsync(before.bytes().duplicate(), 0);
            CompletableFuture<Integer> read = file.readAsync(small.bytes(), 0);
            broker.startAgain();
            read.join(); // the session goes on, and the write is under way
            try (RbdBuffer next = file.allocate(8 * MIB)) {
                next.bytes().put(0, filled(8 * MIB, 9));
                assertEquals(MIB, write.join());
                assertEquals(9, next.bytes().get(8 * MIB - 1));
            }
        }
        ByteBuffer back = ByteBuffer.allocate(MIB);
        file.read(back, 0);
        assertArrayEquals(ones, back.array());
    }

    /** It was submitted in part, and has its end by then. */
    @Test
    void shouldEndOnceWhatWasAnsweredBeforeThatWasSeen() throws Exception {
        CompletableFuture<Boolean> held = holdUpCompletions();
        CompletableFuture<Integer> read = file.readAsync(ByteBuffer.allocate(9 * MIB), 0);
        Thread.sleep(HEARD_MILLIS); // it is answered, and nobody looks
        broker.kill();
        Thread.sleep(HEARD_MILLIS);
        goOn.countDown();
        broker.startAgain();
        held.join();
        assertEquals(SIZE, read.join());
        assertEquals(1, file.writeAsync(ByteBuffer.wrap(new byte[1]), 0).join());
    }

    /** The thread that completes operations is waited for by who brings the next broker. */
    @Test
    void shouldStartInWhatFollowsFromAnOperationWhatHasToBeOpened() throws Exception {
        RbdFile other = RbdFile.openAt(broker.runDir(), path);
        CompletableFuture<Integer> further =
                holdUpCompletions()
                        .thenCompose(
                                done ->
                                        other.writeAsync(ByteBuffer.wrap(new byte[1]), 0)
                                                .thenCombine(other.forceAsync(), (n, v) -> n));
        broker.kill();
        Thread.sleep(HEARD_MILLIS);
        goOn.countDown();
        Thread.sleep(HEARD_MILLIS); // there is no broker to open it
        broker.startAgain();
        assertEquals(1, further.join());
        other.close();
    }

    @Test
    void shouldGiveBackMemoryOfTheBrokerBeforeWhenItsBuffersAreClosed() throws Exception {
        RbdBuffer before = file.allocate(MIB);
        useEachSession(before);
        long mapped = segments.count();
        broker.kill();
        RbdBuffer meanwhile = file.allocate(MIB);
        broker.startAgain();
        useEachSession(before);
        try (RbdBuffer next = file.allocate(8 * MIB)) {
            useEachSession(next);
            assertEquals(mapped + 1, segments.count());
            meanwhile.close();
            assertEquals(mapped + 1, segments.count());
            before.close();
            assertEquals(mapped, segments.count());
        }
        broker.kill();
        broker.startAgain();
        try (RbdBuffer last = file.allocate(MIB)) {
            useEachSession(last);
        }
        assertEquals(mapped, segments.count());
    }

    @Test
    void shouldWriteFromABufferOfTheBrokerBeforeThatIsClosedMeanwhile() throws Exception {
        byte[] ones = filled(8 * MIB, 1);
        String large = broker.createAndMap("large", ones.length);
        try (RbdFile written = RbdFile.openAt(broker.runDir(), large)) {
            RbdBuffer before = file.allocate(ones.length);
            before.bytes().put(0, ones);
            broker.kill();
            FaultyStoreBroker.delayWrites(broker, 1000);
            broker.startAgain();
            try (RbdBuffer use = file.allocate(512)) {
                useEachSession(use);
            }
            CompletableFuture<Integer> write = written.writeAsync(before.bytes(), 0);
            before.close(); // its bytes do not all fit into what the two share
            assertEquals(ones.length, write.join());
            ByteBuffer back = ByteBuffer.allocate(ones.length);
            written.read(back, 0);
            assertArrayEquals(ones, back.array());
        }
    }

    /** What another has begun is done by the next broker all the same. */
    @Test
    void shouldFailAloneWhoseBufferCannotBeReadAgain(@TempDir Path folder) throws Exception {
        FaultyStoreBroker.restartHoldingWrites(broker);
        Path mapped = folder.resolve("mapped");
        try (FileChannel channel =
                FileChannel.open(
                        mapped,
                        StandardOpenOption.CREATE,
                        StandardOpenOption.READ,
                        StandardOpenOption.WRITE)) {
            ByteBuffer bad = channel.map(FileChannel.MapMode.READ_WRITE, 0, 64 * KIB);
            ByteBuffer alsoBad = bad.duplicate();
            CompletableFuture<Integer> fails = file.writeAsync(bad, 0);
            CompletableFuture<Integer> waits = failing(() -> file.write(alsoBad, 0));
            CompletableFuture<Integer> done =
                    file.writeAsync(ByteBuffer.wrap(filled(64 * KIB, 1)), 0);
            Thread.sleep(HEARD_MILLIS); // they are with the broker
            channel.truncate(0);
            broker.kill();
            FaultyStoreBroker.haveNoFault(broker);
            broker.startAgain();
            assertEquals(64 * KIB, done.join());
            for (CompletableFuture<Integer> failed : List.of(fails, waits)) {
                CompletionException why = assertThrows(CompletionException.class, failed::join);
                assertInstanceOf(InternalError.class, why.getCause());
            }
        }
        try (RbdBuffer small = file.allocate(512)) {
            useEachSession(small);
        }
        file.force();
    }

    private static CompletableFuture<Integer> failing(Callable<Integer> transfer) {
        CompletableFuture<Integer> end = new CompletableFuture<>();
        Thread.ofPlatform()
                .start(
                        () -> {
                            try {
                                end.complete(transfer.call());
                            } catch (Throwable e) {
                                end.completeExceptionally(e);
                            }
                        });
        return end;
    }

    private void useEachSession(RbdBuffer buffer) throws Exception {
        assertEquals(512, file.read(ByteBuffer.allocate(512), 0));
        assertEquals(512, file.readAsync(ByteBuffer.allocate(512), 0).join());
        assertEquals(512, file.readAsync(buffer.bytes().slice(0, 512), 0).join());
        try (RbdBuffer current = file.allocate(512)) {
            assertEquals(512, file.readAsync(current.bytes(), 0).join());
        }
    }

    /**
     * The next broker waits until the thread that completes operations has left the one before, the
     * closer for that broker, and that thread for the closer's lock.
     */
    @Test
    void shouldCloseThoughADependentWaitsForTheClosersLock() throws Exception {
        Object lock = new Object();
        RbdFile closed =
                RbdFile.openAt(
                        broker.runDir(),
                        path,
                        StandardOpenOption.READ,
                        StandardOpenOption.WRITE,
                        StandardOpenOption.DSYNC);
        CompletableFuture<Boolean> blocked;
        List<CompletableFuture<Integer>> writes = new ArrayList<>();
        synchronized (lock) {
            blocked =
                    holdUpCompletions(
                            () -> {
                                synchronized (lock) {
                                    assertFalse(closed.isOpen());
                                }
                            });
            for (int i = 0; i < 20; i++) {
                writes.add(closed.writeAsync(ByteBuffer.wrap(filled(512, i)), 512L * i));
            }
            broker.kill();
            CompletableFuture<Void> next =
                    CompletableFuture.runAsync(
                            () -> {
                                try {
                                    broker.startAgain();
                                } catch (Exception e) {
                                    throw new CompletionException(e);
                                }
                            },
                            task -> Thread.ofPlatform().start(task));
            closed.close();
            next.join();
        }
        assertTrue(blocked.join());
        for (int i = 0; i < 20; i++) {
            assertEquals(512, writes.get(i).join());
            ByteBuffer back = ByteBuffer.allocate(512);
            file.readAsync(back, 512L * i).join();
            assertArrayEquals(filled(512, i), back.array());
        }
    }

    private CompletableFuture<Boolean> holdUpCompletions() throws InterruptedException {
        return holdUpCompletions(
                () -> {
                    try {
                        goOn.await();
                    } catch (InterruptedException e) {
                        throw new IllegalStateException(e);
                    }
                });
    }

    private CompletableFuture<Boolean> holdUpCompletions(Runnable wait)
            throws InterruptedException {
        Thread here = Thread.currentThread();
        while (true) {
            CountDownLatch holds = new CountDownLatch(1);
            CompletableFuture<Boolean> held =
                    file.readAsync(ByteBuffer.allocate(1), 0)
                            .thenApply(
                                    done -> {
                                        if (Thread.currentThread().equals(here)) {
                                            return false; // it was complete by then
                                        }
                                        holds.countDown();
                                        wait.run();
                                        return true;
                                    });
            if (!held.isDone()) {
                holds.await();
                return held;
            }
        }
    }

    private static byte[] filled(int length, int value) {
        byte[] bytes = new byte[length];
        Arrays.fill(bytes, (byte) value);
        return bytes;
    }
}
