package org.rbdwrapper.client;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.rbdwrapper.broker.store.fault.Fault;
import org.rbdwrapper.broker.store.fault.FaultPlan;
import org.rbdwrapper.broker.store.fault.FaultPoint;
import org.rbdwrapper.broker.testing.TestBroker;
import org.rbdwrapper.client.admin.BrokerAdmin;
import org.rbdwrapper.client.admin.MapRequest;
import org.rbdwrapper.ipc.Errno;
import org.rbdwrapper.ipc.IoErrors;
import org.rbdwrapper.ipc.control.ControlConnection;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/** Buffers that the program and the store share. */
final class RbdBufferSystemTest {
    private static final int LIMIT_SECONDS = 60;
    private static final int MIB = 1024 * 1024;
    private static final int ALL = 16 * MIB;

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
    }

    @AfterEach
    void close() throws Exception {
        plan.clear();
        file.close();
        admin.close();
        broker.close();
    }

    @Test
    void shouldWriteFromTheProgramsOwnMemory() throws Exception {
        try (RbdBuffer buffer = file.allocate(8192)) {
            plan.add(Fault.hold(FaultPoint.WRITE));
            ByteBuffer slice = buffer.bytes().slice(4097, 100);
            CompletableFuture<Integer> written = file.writeAsync(slice.duplicate(), 3);
            plan.awaitHeld(1);
            slice.put(0, (byte) 42); // a copy would have been made by now
            plan.clear();
            assertEquals(100, written.get(LIMIT_SECONDS, TimeUnit.SECONDS));
        }
        ByteBuffer back = ByteBuffer.allocate(2);
        file.read(back, 2);
        assertArrayEquals(new byte[] {0, 42}, back.array());
    }

    @Test
    void shouldTransferInPlaceForWhoWaitsToo() throws Exception {
        try (RbdBuffer buffer = file.allocate(MIB)) {
            plan.add(Fault.hold(FaultPoint.WRITE));
            CompletableFuture<Integer> written =
                    CompletableFuture.supplyAsync(
                            () -> {
                                try {
                                    return file.write(buffer.bytes().duplicate(), 0);
                                } catch (IOException e) {
                                    throw new IllegalStateException(e);
                                }
                            });
            plan.awaitHeld(1);
            buffer.bytes().put(MIB - 1, (byte) 7);
            plan.clear();
            assertEquals(MIB, written.get(LIMIT_SECONDS, TimeUnit.SECONDS));
        }
        ByteBuffer back = ByteBuffer.allocate(1);
        file.read(back, MIB - 1);
        assertEquals(7, back.get(0));
    }

    @Test
    void shouldHaveZeroesInABufferThatOthersHadBefore() throws Exception {
        try (RbdBuffer before = file.allocate(ALL)) {
            before.bytes().put(5, (byte) 5);
        }
        try (RbdBuffer after = file.allocate(100)) {
            assertEquals(0, after.bytes().get(5));
            assertEquals(100, after.bytes().capacity());
        }
    }

    @Test
    void shouldSayWhenThereIsNoMore() throws Exception {
        try (RbdBuffer all = file.allocate(ALL)) {
            assertEquals(ALL, all.bytes().capacity());
            IOException none = assertThrows(IOException.class, () -> file.allocate(1));
            assertEquals(Errno.ENOMEM, IoErrors.errno(none));
        }
        file.allocate(ALL).close();
        assertThrows(IOException.class, () -> file.allocate(ALL + 1));
        assertThrows(IllegalArgumentException.class, () -> file.allocate(0));
    }

    @Test
    void shouldRefuseABufferThatWasClosed() throws Exception {
        RbdBuffer buffer = file.allocate(128 * 1024);
        ByteBuffer bytes = buffer.bytes();
        buffer.close();
        buffer.close(); // no harm
        assertThrows(IllegalStateException.class, () -> bytes.get(0));
        assertRefused(bytes);
        try (RbdBuffer next = file.allocate(ALL)) { // and it is at the same addresses
            assertEquals(ALL, next.bytes().capacity());
            assertRefused(bytes);
        }
    }

    private void assertRefused(ByteBuffer closed) {
        ByteBuffer few = closed.duplicate().limit(512);
        assertThrows(IllegalStateException.class, () -> file.readAsync(closed, 0));
        assertThrows(IllegalStateException.class, () -> file.read(closed, 0));
        assertThrows(IllegalStateException.class, () -> file.read(few, 0));
        assertThrows(IllegalStateException.class, () -> file.write(few, 0));
    }

    /** As long as it is in use, though what it is used for has not begun. */
    @Test
    void shouldDoWhatWasBegunInWhatFollowsThoughItsBufferIsClosed() throws Exception {
        RbdFile other = RbdFile.openAt(broker.runDir(), file.path());
        RbdBuffer buffer = file.allocate(4096);
        plan.add(Fault.hold(FaultPoint.READ));
        CompletableFuture<Integer> written =
                file.readAsync(ByteBuffer.allocate(1), 0)
                        .thenCompose(
                                ignored -> {
                                    buffer.bytes().put(0, (byte) 5);
                                    CompletableFuture<Integer> write =
                                            other.writeAsync(buffer.bytes(), 0);
                                    buffer.close();
                                    return write;
                                });
        plan.awaitHeld(1);
        plan.clear();
        assertEquals(4096, written.get(LIMIT_SECONDS, TimeUnit.SECONDS));
        ByteBuffer back = ByteBuffer.allocate(1);
        other.read(back, 0);
        assertEquals(5, back.get(0));
        other.close();
    }

    @Test
    void shouldKeepTheMemoryOfOperationsUnderWay() throws Exception {
        plan.add(Fault.hold(FaultPoint.READ));
        RbdBuffer buffer = file.allocate(ALL);
        CompletableFuture<Integer> read = file.readAsync(buffer.bytes(), 0);
        plan.awaitHeld(1);
        buffer.close();
        assertThrows(IOException.class, () -> file.allocate(1), "it may yet be written to");
        assertFalse(read.isDone());
        plan.clear();
        assertEquals(ALL, read.get(LIMIT_SECONDS, TimeUnit.SECONDS));
        file.allocate(ALL).close();
    }

    @Test
    void shouldKeepTheMemoryOfWhatIsCopiedToo() throws Exception {
        plan.add(Fault.hold(FaultPoint.READ));
        RbdBuffer buffer = file.allocate(ALL);
        ByteBuffer few = buffer.bytes().slice(4096, 512);
        CompletableFuture<Integer> read =
                CompletableFuture.supplyAsync(
                        () -> {
                            try {
                                return file.read(few, 0);
                            } catch (IOException e) {
                                throw new IllegalStateException(e);
                            }
                        });
        plan.awaitHeld(1);
        buffer.close();
        assertThrows(IOException.class, () -> file.allocate(1), "it may yet be written to");
        plan.clear();
        assertEquals(512, read.get(LIMIT_SECONDS, TimeUnit.SECONDS));
        file.allocate(ALL).close();
    }

    @Test
    void shouldCopyWhereTheBufferIsOfAnotherBroker() throws Exception {
        try (TestBroker other = TestBroker.start("memory");
                BrokerAdmin otherAdmin =
                        BrokerAdmin.connect(
                                "test", ControlConnection.connect(List.of(other.runDir())))) {
            otherAdmin.create("img", MIB);
            String path = otherAdmin.map(MapRequest.of("img"));
            try (RbdFile there = RbdFile.openAt(other.runDir(), path);
                    RbdBuffer buffer = file.allocate(MIB)) {
                buffer.bytes().put(0, (byte) 9);
                assertEquals(MIB, there.write(buffer.bytes().duplicate(), 0));
                ByteBuffer back = ByteBuffer.allocate(1);
                there.readAsync(back, 0).get(LIMIT_SECONDS, TimeUnit.SECONDS);
                assertEquals(9, back.get(0));
            }
        }
    }
}
