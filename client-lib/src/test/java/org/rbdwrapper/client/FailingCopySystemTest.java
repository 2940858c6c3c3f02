package org.rbdwrapper.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.rbdwrapper.broker.store.fault.Fault;
import org.rbdwrapper.broker.store.fault.FaultPlan;
import org.rbdwrapper.broker.store.fault.FaultPoint;
import org.rbdwrapper.broker.testing.TestBroker;
import org.rbdwrapper.client.admin.BrokerAdmin;
import org.rbdwrapper.client.admin.MapRequest;
import org.rbdwrapper.ipc.control.ControlConnection;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.atomic.AtomicReference;

/** What is thrown while a buffer is copied is the operation's end, and no other one's. */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
final class FailingCopySystemTest {
    private static final int MIB = 1024 * 1024;
    private static final int LENGTH = 64 * 1024;
    private static final int SIZE = 32 * MIB;

    /** More than a session has channels. */
    private static final int MANY = 12;

    @TempDir private Path folder;

    private final FaultPlan plan = new FaultPlan();
    private TestBroker broker;
    private BrokerAdmin admin;
    private RbdFile file;

    @BeforeEach
    void open() throws Exception {
        broker = TestBroker.startFaulty(plan);
        admin = BrokerAdmin.connect("test", ControlConnection.connect(List.of(broker.runDir())));
        admin.create("img", SIZE);
        file = RbdFile.openAt(broker.runDir(), admin.map(MapRequest.of("img")));
    }

    @AfterEach
    @Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
    void stop() throws Exception {
        plan.clear();
        file.close();
        admin.close();
        broker.close();
    }

    @Test
    void shouldThrowWhatAWaitingThreadsCopyThrows() throws Exception {
        for (int i = 0; i < MANY; i++) {
            ByteBuffer bad = TruncatedBuffer.of(folder, LENGTH, LENGTH / 2);
            assertThrows(InternalError.class, () -> file.write(bad, 0));
            assertThrows(InternalError.class, () -> file.read(bad, 0));
            assertEquals(0, bad.position());
        }
        assertAllWorks();
    }

    @Test
    void shouldThrowWhatAVirtualThreadsCopyThrows() throws Exception {
        AtomicReference<Throwable> thrown = new AtomicReference<>();
        ByteBuffer bad = TruncatedBuffer.of(folder, LENGTH, LENGTH / 2);
        Thread.startVirtualThread(
                        () ->
                                thrown.set(
                                        assertThrows(InternalError.class, () -> file.read(bad, 0))))
                .join();
        assertInstanceOf(InternalError.class, thrown.get());
        assertAllWorks();
    }

    @Test
    void shouldFailTheFutureAloneWhoseCopyThrows() throws Exception {
        plan.add(Fault.hold(FaultPoint.READ));
        List<CompletableFuture<Integer>> bad = new ArrayList<>();
        List<CompletableFuture<Integer>> good = new ArrayList<>();
        for (int i = 0; i < MANY; i++) {
            bad.add(file.readAsync(TruncatedBuffer.of(folder, LENGTH, LENGTH / 2), 0));
            good.add(file.readAsync(ByteBuffer.allocate(LENGTH), 0));
        }
        for (int i = 0; i < MANY; i++) {
            bad.add(file.writeAsync(TruncatedBuffer.of(folder, LENGTH, LENGTH / 2), 0));
            good.add(file.writeAsync(ByteBuffer.allocate(LENGTH), 0));
        }
        plan.clear();
        for (CompletableFuture<Integer> each : good) {
            assertEquals(LENGTH, each.join());
        }
        for (CompletableFuture<Integer> each : bad) {
            assertFailedBy(InternalError.class, each);
        }
        assertAllWorks();
    }

    /** Its blocks of the arena are the store's until then. */
    @Test
    void shouldFailWhenAllThatIsUnderWayIsAnswered() throws Exception {
        plan.add(Fault.hold(FaultPoint.WRITE));
        CompletableFuture<Integer> write =
                file.writeAsync(TruncatedBuffer.of(folder, 2 * MIB, MIB + MIB / 2), 0);
        plan.awaitHeld(1);
        Thread.sleep(100);
        assertFalse(write.isDone());
        plan.clear();
        assertFailedBy(InternalError.class, write);
        assertAllWorks();
    }

    @Test
    void shouldCloseWhereACopyHasThrown() throws Exception {
        CompletableFuture<Integer> bad =
                file.readAsync(TruncatedBuffer.of(folder, LENGTH, LENGTH / 2), 0);
        assertFailedBy(InternalError.class, bad);
        file.close();
        assertFalse(file.isOpen());
    }

    @Test
    @SuppressWarnings("MustBeClosedChecker") // it is closed in the middle
    void shouldRefuseABufferOfAnArenaThatWasClosed() throws Exception {
        plan.add(Fault.hold(FaultPoint.READ));
        Arena arena = Arena.ofShared();
        CompletableFuture<Integer> read = file.readAsync(arena.allocate(LENGTH).asByteBuffer(), 0);
        plan.awaitHeld(1);
        arena.close();
        plan.clear();
        assertFailedBy(IllegalStateException.class, read);
        assertAllWorks();
    }

    /** Another thread copies for it. */
    @Test
    void shouldServeAVirtualThreadsConfinedArena() throws Exception {
        AtomicReference<Object> seen = new AtomicReference<>();
        Thread.startVirtualThread(
                        () -> {
                            try (Arena arena = Arena.ofConfined()) {
                                ByteBuffer buffer = arena.allocate(LENGTH).asByteBuffer();
                                file.write(buffer.put(0, (byte) 5), 0);
                                buffer.clear().put(0, (byte) 0);
                                file.read(buffer, 0);
                                seen.set(buffer.position() + " " + buffer.get(0));
                            } catch (Exception e) {
                                seen.set(e);
                            }
                        })
                .join();
        assertEquals(LENGTH + " 5", seen.get());
    }

    private static void assertFailedBy(
            Class<? extends Throwable> kind, CompletableFuture<?> operation) {
        CompletionException failed = assertThrows(CompletionException.class, operation::join);
        assertInstanceOf(kind, failed.getCause());
    }

    private void assertAllWorks() throws IOException {
        for (int i = 0; i < MANY; i++) {
            assertEquals(LENGTH, file.write(ByteBuffer.allocate(LENGTH), 0));
            assertEquals(LENGTH, file.read(ByteBuffer.allocateDirect(LENGTH), 0));
        }
        List<CompletableFuture<Integer>> all = new ArrayList<>();
        for (int i = 0; i < 300; i++) { // more than there are tags, and blocks
            all.add(file.readAsync(ByteBuffer.allocate(LENGTH), 0));
        }
        all.forEach(each -> assertEquals(LENGTH, each.join()));
        file.forceAsync().join();
    }
}
