package org.rbdwrapper.client;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.rbdwrapper.broker.store.fault.Fault;
import org.rbdwrapper.broker.store.fault.FaultPlan;
import org.rbdwrapper.broker.store.fault.FaultPoint;
import org.rbdwrapper.broker.testing.TestBroker;
import org.rbdwrapper.client.admin.BrokerAdmin;
import org.rbdwrapper.client.admin.MapRequest;
import org.rbdwrapper.ipc.control.ControlConnection;

import java.nio.ByteBuffer;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;

/** Who cancels an operation, or gives it too little time, has its buffer back. */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
final class GivenUpFutureSystemTest {
    private static final int MIB = 1024 * 1024;
    private static final int LENGTH = 64 * 1024;
    private static final int ROUNDS = 500;

    private final FaultPlan plan = new FaultPlan();
    private TestBroker broker;
    private BrokerAdmin admin;
    private RbdFile file;

    @BeforeEach
    void open() throws Exception {
        broker = TestBroker.startFaulty(plan);
        admin = BrokerAdmin.connect("test", ControlConnection.connect(List.of(broker.runDir())));
        admin.create("img", 32 * MIB);
        file = RbdFile.openAt(broker.runDir(), admin.map(MapRequest.of("img")));
        file.write(ByteBuffer.wrap(filled(MIB, 1)), 0);
        file.readAsync(ByteBuffer.allocate(1), 0).join();
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
    void shouldReadNothingIntoTheBufferOfACancelledRead() throws Exception {
        shouldReadNothingAfter(read -> assertTrue(read.cancel(true)));
    }

    @Test
    void shouldReadNothingIntoTheBufferOfOneThatTookTooLong() throws Exception {
        shouldReadNothingAfter(
                read -> {
                    CompletionException late =
                            assertThrows(
                                    CompletionException.class,
                                    read.orTimeout(10, TimeUnit.MILLISECONDS)::join);
                    assertInstanceOf(TimeoutException.class, late.getCause());
                });
    }

    @Test
    void shouldReadNothingIntoTheBufferOfOneThatGotAnotherEnd() throws Exception {
        shouldReadNothingAfter(
                read ->
                        assertEquals(
                                7, read.completeOnTimeout(7, 10, TimeUnit.MILLISECONDS).join()));
    }

    private void shouldReadNothingAfter(Consumer<CompletableFuture<Integer>> giveUp)
            throws Exception {
        plan.add(Fault.hold(FaultPoint.READ));
        ByteBuffer buffer = ByteBuffer.allocateDirect(LENGTH);
        CompletableFuture<Integer> read = file.readAsync(buffer, 0);
        plan.awaitHeld(1);
        giveUp.accept(read);
        plan.clear();
        assertEquals(1, file.readAsync(ByteBuffer.allocate(1), 0).join()); // answered after it
        assertEquals(0, buffer.position());
        assertArrayEquals(new byte[LENGTH], contents(buffer));
    }

    /** Whatever the library was doing with it. */
    @Test
    void shouldNotTouchABufferOnceItsFutureIsCancelled() throws Exception {
        byte[] mine = filled(LENGTH, 9);
        for (int i = 0; i < ROUNDS; i++) {
            ByteBuffer buffer = ByteBuffer.allocate(LENGTH);
            CompletableFuture<Integer> read = file.readAsync(buffer, 0);
            spin(i * 200);
            if (read.cancel(true)) {
                buffer.put(0, mine);
                assertEquals(1, file.readAsync(ByteBuffer.allocate(1), 0).join());
                assertArrayEquals(mine, buffer.array());
                assertEquals(0, buffer.position());
            } else {
                assertEquals(LENGTH, read.join());
            }
        }
    }

    @Test
    void shouldWriteNothingFromTheBufferOfACancelledWriteButWhatItHadTaken() throws Exception {
        shouldWriteOnlyWhatItHadTaken(file);
    }

    @Test
    void shouldWriteNothingFromTheBufferOfACancelledDurableWrite() throws Exception {
        try (RbdFile synced =
                RbdFile.openAt(
                        broker.runDir(),
                        file.path(),
                        StandardOpenOption.WRITE,
                        StandardOpenOption.DSYNC)) {
            shouldWriteOnlyWhatItHadTaken(synced);
        }
    }

    private void shouldWriteOnlyWhatItHadTaken(RbdFile written) throws Exception {
        plan.add(Fault.hold(FaultPoint.WRITE));
        ByteBuffer buffer = ByteBuffer.wrap(filled(9 * MIB, 2));
        CompletableFuture<Integer> write = written.writeAsync(buffer, 0);
        plan.awaitHeld(1);
        assertTrue(write.cancel(true));
        Arrays.fill(buffer.array(), (byte) 3);
        plan.clear();
        assertEquals(1, written.writeAsync(ByteBuffer.allocate(1), 20 * MIB).join());
        written.forceAsync().join();
        ByteBuffer back = ByteBuffer.allocate(9 * MIB);
        file.read(back, 0);
        for (byte value : back.array()) {
            assertTrue(value != 3);
        }
        assertEquals(2, back.get(0));
        assertEquals(0, buffer.position());
    }

    @Test
    void shouldServeOthersWhenManyWereCancelledThatWaitedForTheirTurn() throws Exception {
        plan.add(Fault.hold(FaultPoint.READ));
        List<CompletableFuture<Integer>> reads =
                java.util.stream.IntStream.range(0, 2000)
                        .mapToObj(i -> file.readAsync(ByteBuffer.allocate(4096), 0))
                        .toList();
        plan.awaitHeld(1);
        for (int i = 0; i < reads.size(); i += 2) {
            assertTrue(reads.get(i).cancel(false));
        }
        plan.clear();
        for (int i = 1; i < reads.size(); i += 2) {
            assertEquals(4096, reads.get(i).join());
        }
        file.close();
    }

    private static void spin(int nanos) {
        long until = System.nanoTime() + nanos;
        while (System.nanoTime() < until) {
            Thread.onSpinWait();
        }
    }

    private static byte[] contents(ByteBuffer buffer) {
        byte[] bytes = new byte[buffer.capacity()];
        buffer.get(0, bytes);
        return bytes;
    }

    private static byte[] filled(int length, int value) {
        byte[] bytes = new byte[length];
        Arrays.fill(bytes, (byte) value);
        return bytes;
    }
}
