package org.rbdwrapper.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.rbdwrapper.broker.BrokerOptions;
import org.rbdwrapper.broker.messenger.MessengerPolicy;
import org.rbdwrapper.broker.store.fault.Fault;
import org.rbdwrapper.broker.store.fault.FaultPlan;
import org.rbdwrapper.broker.store.fault.FaultPoint;
import org.rbdwrapper.broker.store.fault.FaultStore;
import org.rbdwrapper.broker.store.memory.MemoryStore;
import org.rbdwrapper.broker.testing.TestBroker;
import org.rbdwrapper.client.admin.BrokerAdmin;
import org.rbdwrapper.client.admin.ClientInfo;
import org.rbdwrapper.client.admin.MapRequest;
import org.rbdwrapper.ipc.ErrnoException;
import org.rbdwrapper.ipc.control.ControlConnection;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.ForkJoinPool;

/** A file that is closed while others are at work with it: what they began is done. */
@Timeout(60)
final class RbdFileCloseSystemTest {
    private static final int MIB = 1024 * 1024;

    /** More than the queue takes, and than the arena holds: 256, and 4 MiB. */
    private static final int MANY = 1500;

    private static final int LENGTH = 4096;

    private final FaultPlan plan = new FaultPlan();
    private TestBroker broker;
    private BrokerAdmin admin;
    private RbdFile file;

    @BeforeEach
    void open() throws Exception {
        broker =
                TestBroker.start(
                        "memory",
                        MessengerPolicy.PER_CLIENT,
                        new FaultStore(new MemoryStore(), plan),
                        BrokerOptions.DEFAULT_HELLO_TIMEOUT_NANOS);
        admin = BrokerAdmin.connect("test", ControlConnection.connect(List.of(broker.runDir())));
        admin.create("img", 32 * MIB);
        file = openAgain(admin.map(MapRequest.of("img")));
    }

    @AfterEach
    void stop() throws Exception {
        plan.clear();
        file.close();
        admin.close();
        broker.close();
    }

    /** The request to close goes another way than the others, and could arrive before them. */
    @Test
    void shouldDoWhatWasBegunBefore() throws Exception {
        for (int round = 0; round < 200; round++) {
            RbdFile closed = openAgain(file.path());
            closed.readAsync(ByteBuffer.allocate(1), 0).join();
            CompletableFuture<Integer> write = closed.writeAsync(bytes(round), 0);
            closed.close();
            assertTrue(write.isDone());
            assertEquals(LENGTH, write.join());
            assertEquals((byte) round, firstByteAt(0));
        }
    }

    @Test
    void shouldDoWhatHadToWaitForItsTurn() throws Exception {
        RbdFile closed = openAgain(file.path());
        List<CompletableFuture<Integer>> writes = writeMany(closed);
        closed.close();
        assertWritten(writes);
    }

    @Test
    void shouldDoWhatIsTransferredInPlace() throws Exception {
        try (RbdBuffer buffer = file.allocate(4 * MIB)) {
            RbdFile closed = openAgain(file.path());
            CompletableFuture<Integer> write = closed.writeAsync(buffer.bytes(), 0);
            closed.close();
            assertEquals(4 * MIB, write.join());
        }
    }

    @Test
    void shouldWaitForAThreadsTransferWhichHasSeveralParts() throws Exception {
        shouldWaitForATransferOf(task -> Thread.ofPlatform().start(task));
    }

    @Test
    void shouldWaitForAVirtualThreadsTransfer() throws Exception {
        shouldWaitForATransferOf(Thread::startVirtualThread);
    }

    private void shouldWaitForATransferOf(Executor thread) throws Exception {
        plan.add(Fault.hold(FaultPoint.READ));
        CompletableFuture<Integer> read =
                CompletableFuture.supplyAsync(
                        () -> {
                            try {
                                return file.read(ByteBuffer.allocate(9 * MIB), 0);
                            } catch (IOException e) {
                                throw new UncheckedIOException(e);
                            }
                        },
                        thread);
        plan.awaitHeld(1);
        CompletableFuture<Void> closing =
                CompletableFuture.runAsync(() -> close(file), ForkJoinPool.commonPool());
        while (file.isOpen()) {
            Thread.onSpinWait();
        }
        Thread.sleep(100);
        assertFalse(closing.isDone() || read.isDone());
        assertThrows(ClosedChannelException.class, () -> file.read(ByteBuffer.allocate(1), 0));
        assertThrows(ClosedChannelException.class, () -> file.force());
        plan.clear();
        assertEquals(9 * MIB, read.join());
        closing.join();
    }

    @Test
    void shouldNotBeHeldUpByAnInterrupt() throws Exception {
        plan.add(Fault.hold(FaultPoint.WRITE));
        CompletableFuture<Integer> write = file.writeAsync(bytes(1), 0);
        plan.awaitHeld(1);
        CompletableFuture<Boolean> interrupted = new CompletableFuture<>();
        Thread closer =
                Thread.ofPlatform()
                        .start(
                                () -> {
                                    close(file);
                                    interrupted.complete(Thread.currentThread().isInterrupted());
                                });
        closer.interrupt();
        Thread.sleep(100);
        assertFalse(interrupted.isDone());
        plan.clear();
        assertTrue(interrupted.join());
        assertTrue(write.isDone());
    }

    /** The thread that completes operations must not wait for them. */
    @Test
    void shouldCloseInWhatFollowsFromAnOperation() throws Exception {
        RbdFile closed = openAgain(file.path());
        RbdBuffer buffer = closed.allocate(LENGTH);
        plan.add(Fault.hold(FaultPoint.READ));
        CompletableFuture<Void> then =
                closed.readAsync(ByteBuffer.allocate(1), 0)
                        .thenAccept(
                                ignored -> {
                                    close(closed);
                                    assertFalse(closed.isOpen());
                                });
        plan.awaitHeld(1);
        List<CompletableFuture<Integer>> writes = writeMany(closed);
        writes.add(closed.writeAsync(buffer.bytes(), 0));
        plan.clear();
        then.join();
        assertWritten(writes);
        buffer.close();
        while (openCount() > 1) { // the class's time limit ends a wait in vain
            Thread.sleep(10);
        }
    }

    private RbdFile openAgain(String path) throws IOException {
        return RbdFile.openAt(broker.runDir(), path);
    }

    private static List<CompletableFuture<Integer>> writeMany(RbdFile file) {
        List<CompletableFuture<Integer>> writes = new ArrayList<>();
        for (int i = 0; i < MANY; i++) {
            writes.add(file.writeAsync(bytes(i), (long) i * LENGTH));
        }
        return writes;
    }

    private void assertWritten(List<CompletableFuture<Integer>> writes) throws Exception {
        for (CompletableFuture<Integer> write : writes) {
            assertEquals(LENGTH, write.join());
        }
        for (int i = 1; i < MANY; i++) {
            assertEquals((byte) i, firstByteAt((long) i * LENGTH));
        }
    }

    private static ByteBuffer bytes(int value) {
        return ByteBuffer.allocate(LENGTH).put(0, (byte) value);
    }

    private byte firstByteAt(long position) throws IOException {
        ByteBuffer one = ByteBuffer.allocate(1);
        file.read(one, position);
        return one.get(0);
    }

    /** Files: a session that did not need one has not opened it. */
    private long openCount() throws ErrnoException {
        return admin.clients().stream().mapToLong(ClientInfo::opens).sum();
    }

    private static void close(RbdFile file) {
        try {
            file.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
