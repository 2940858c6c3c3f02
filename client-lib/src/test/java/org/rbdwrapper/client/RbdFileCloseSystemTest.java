package org.rbdwrapper.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.rbdwrapper.broker.store.fault.Fault;
import org.rbdwrapper.broker.store.fault.FaultPlan;
import org.rbdwrapper.broker.store.fault.FaultPoint;
import org.rbdwrapper.broker.testing.TestBroker;
import org.rbdwrapper.client.admin.BrokerAdmin;
import org.rbdwrapper.client.admin.ClientInfo;
import org.rbdwrapper.client.admin.MapRequest;
import org.rbdwrapper.ipc.Errno;
import org.rbdwrapper.ipc.ErrnoException;
import org.rbdwrapper.ipc.IoErrors;
import org.rbdwrapper.ipc.control.ControlConnection;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.file.OpenOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;

/** A file that is closed while others are at work with it: what they began is done. */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
final class RbdFileCloseSystemTest {
    private static final int MIB = 1024 * 1024;

    /** More than the queue takes, and than the arena holds: 256, and 4 MiB. */
    private static final int MANY = 1500;

    private static final int LENGTH = 4096;

    /** The tests' machine may have one thread for all that has none of its own. */
    private static final Executor OWN_THREAD = task -> Thread.ofPlatform().start(task);

    private final FaultPlan plan = new FaultPlan();
    private TestBroker broker;
    private BrokerAdmin admin;
    private RbdFile file;

    @BeforeEach
    void open() throws Exception {
        broker = TestBroker.startFaulty(plan);
        admin = BrokerAdmin.connect("test", ControlConnection.connect(List.of(broker.runDir())));
        admin.create("img", 32 * MIB);
        file = openAgain(admin.map(MapRequest.of("img")));
    }

    @AfterEach
    @Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
    void stop() throws Exception {
        plan.clear();
        file.close();
        admin.close();
        broker.close();
    }

    /** More are under way than fit: those are begun while nobody but the closer can. */
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void shouldNotWaitForADependentThatWaitsForTheClosersLock(boolean synced) throws Exception {
        Object lock = new Object();
        CountDownLatch waits = new CountDownLatch(1);
        AtomicBoolean had = new AtomicBoolean();
        RbdFile closed =
                synced
                        ? openAgain(
                                file.path(),
                                StandardOpenOption.READ,
                                StandardOpenOption.WRITE,
                                StandardOpenOption.DSYNC)
                        : openAgain(file.path());
        closed.readAsync(ByteBuffer.allocate(1), 0).join();
        List<CompletableFuture<Integer>> others = new ArrayList<>();
        CompletableFuture<Void> blocked;
        plan.add(Fault.hold(FaultPoint.READ));
        synchronized (lock) {
            blocked =
                    closed.readAsync(ByteBuffer.allocate(1), 0)
                            .thenRun(
                                    () -> {
                                        waits.countDown();
                                        synchronized (lock) {
                                            had.set(true);
                                        }
                                    });
            plan.awaitHeld(1);
            plan.clear();
            waits.await();
            for (int i = 0; i < MANY; i++) {
                others.add(closed.writeAsync(bytes(i), (long) i * LENGTH));
            }
            closed.close();
            assertFalse(had.get());
        }
        blocked.join();
        for (CompletableFuture<Integer> other : others) {
            assertEquals(LENGTH, other.join());
        }
    }

    /** The request to close goes another way than the others, and could arrive before them. */
    @Test
    void shouldDoWhatWasBegunBefore() throws Exception {
        for (int round = 0; round < 200; round++) {
            RbdFile closed = openAgain(file.path());
            closed.readAsync(ByteBuffer.allocate(1), 0).join();
            CompletableFuture<Integer> write = closed.writeAsync(bytes(round), 0);
            closed.close();
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
        shouldWaitForATransferOf(OWN_THREAD);
    }

    @Test
    void shouldWaitForAVirtualThreadsTransfer() throws Exception {
        shouldWaitForATransferOf(Thread::startVirtualThread);
    }

    private void shouldWaitForATransferOf(Executor thread) throws Exception {
        plan.add(Fault.hold(FaultPoint.READ));
        CompletableFuture<Integer> read =
                begin(() -> file.read(ByteBuffer.allocate(9 * MIB), 0), thread);
        plan.awaitHeld(1);
        CompletableFuture<Void> closing = beginToClose(file);
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
        assertEquals(LENGTH, write.join());
    }

    @Test
    void shouldNotWaitForWhatFollowsFromAnOperation() throws Exception {
        plan.add(Fault.hold(FaultPoint.READ));
        CountDownLatch follows = new CountDownLatch(1);
        CountDownLatch closed = new CountDownLatch(1);
        CompletableFuture<Boolean> following =
                file.readAsync(ByteBuffer.allocate(1), 0)
                        .thenApply(
                                ignored -> {
                                    follows.countDown();
                                    try {
                                        return closed.await(30, TimeUnit.SECONDS);
                                    } catch (InterruptedException e) {
                                        throw new IllegalStateException(e);
                                    }
                                });
        plan.awaitHeld(1);
        plan.clear();
        follows.await();
        file.close();
        closed.countDown();
        assertTrue(following.join());
    }

    @Test
    void shouldFlushWhatWasBegunToBeWrittenDurably() throws Exception {
        plan.add(Fault.hold(FaultPoint.WRITE));
        RbdFile synced = openAgain(file.path(), StandardOpenOption.DSYNC, StandardOpenOption.WRITE);
        CompletableFuture<Integer> write = synced.writeAsync(bytes(1), 0);
        CompletableFuture<Integer> waiting =
                begin(() -> synced.write(bytes(2), LENGTH), OWN_THREAD);
        plan.awaitHeld(2);
        CompletableFuture<Void> closing = beginToClose(synced);
        plan.add(Fault.fail(FaultPoint.FLUSH, Errno.EDQUOT).times(2));
        plan.release();
        assertFailed(Errno.EDQUOT, write);
        assertFailed(Errno.EDQUOT, waiting);
        closing.join();
        assertThrows(ClosedChannelException.class, () -> synced.write(bytes(1), 0));
        assertFailed(Errno.EIO, synced.writeAsync(bytes(1), 0)); // which has no number
        assertFailed(Errno.EIO, synced.forceAsync());
    }

    @Test
    void shouldFlushWhatWasBegunToBeWrittenDurablyInPlace() throws Exception {
        RbdFile synced = openAgain(file.path(), StandardOpenOption.DSYNC, StandardOpenOption.WRITE);
        try (RbdBuffer buffer = synced.allocate(LENGTH)) {
            plan.add(Fault.hold(FaultPoint.WRITE));
            CompletableFuture<Integer> write = synced.writeAsync(buffer.bytes(), 0);
            plan.awaitHeld(1);
            CompletableFuture<Void> closing = beginToClose(synced);
            plan.add(Fault.fail(FaultPoint.FLUSH, Errno.EDQUOT).times(1));
            plan.release();
            assertFailed(Errno.EDQUOT, write);
            closing.join();
        }
    }

    @Test
    void shouldCloseThoughAFutureWasCancelled() throws Exception {
        plan.add(Fault.hold(FaultPoint.WRITE));
        RbdFile synced = openAgain(file.path(), StandardOpenOption.DSYNC, StandardOpenOption.WRITE);
        CompletableFuture<Integer> write = synced.writeAsync(bytes(1), 0);
        CompletableFuture<Integer> plain = file.writeAsync(bytes(1), 0);
        plan.awaitHeld(2);
        assertTrue(write.cancel(true) && plain.cancel(true));
        plan.clear();
        synced.close();
        file.close();
    }

    @Test
    void shouldCloseInWhatFollowsFromAnOperationThatCouldNotBegin() throws Exception {
        admin.create("gone", MIB);
        RbdFile gone = openAgain(admin.map(MapRequest.of("gone")));
        admin.unmap(gone.path(), true);
        plan.add(Fault.hold(FaultPoint.READ));
        CompletableFuture<Void> closed =
                file.readAsync(ByteBuffer.allocate(1), 0)
                        .thenCompose(ignored -> gone.readAsync(ByteBuffer.allocate(1), 0))
                        .handle(
                                (done, failure) -> {
                                    close(gone);
                                    throw new CompletionException(failure);
                                });
        plan.awaitHeld(1);
        plan.clear();
        assertFailed(Errno.ENOENT, closed);
        assertFalse(gone.isOpen());
    }

    @Test
    void shouldCloseThoughALimitWasMovedMeanwhile() throws Exception {
        plan.add(Fault.hold(FaultPoint.READ));
        ByteBuffer first = ByteBuffer.allocate(LENGTH);
        ByteBuffer second = ByteBuffer.allocate(LENGTH);
        CompletableFuture<Integer> read = file.readAsync(first, 0);
        CompletableFuture<Integer> waiting = begin(() -> file.read(second, 0), OWN_THREAD);
        plan.awaitHeld(2);
        first.limit(10);
        second.limit(10);
        plan.clear();
        assertFailed(Errno.EINVAL, read);
        assertFailed(Errno.EINVAL, waiting);
        assertEquals(LENGTH, file.readAsync(first.clear(), 0).join());
        file.close();
    }

    private static void assertFailed(Errno errno, CompletableFuture<?> operation) {
        CompletionException failed = assertThrows(CompletionException.class, operation::join);
        assertEquals(errno, IoErrors.errno(failed));
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

    private RbdFile openAgain(String path, OpenOption... options) throws IOException {
        return RbdFile.openAt(broker.runDir(), path, options);
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

    private static CompletableFuture<Integer> begin(Callable<Integer> transfer, Executor thread) {
        return CompletableFuture.supplyAsync(
                () -> {
                    try {
                        return transfer.call();
                    } catch (Exception e) {
                        throw new CompletionException(e);
                    }
                },
                thread);
    }

    private static CompletableFuture<Void> beginToClose(RbdFile file) throws InterruptedException {
        CompletableFuture<Void> closing = CompletableFuture.runAsync(() -> close(file), OWN_THREAD);
        while (file.isOpen()) { // the class's time limit ends a wait in vain
            Thread.sleep(1);
        }
        return closing;
    }

    private static void close(RbdFile file) {
        try {
            file.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
