package org.rbdwrapper.client.hostile;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;
import org.rbdwrapper.broker.BrokerOptions;
import org.rbdwrapper.broker.messenger.MessengerPolicy;
import org.rbdwrapper.broker.testing.TestBroker;
import org.rbdwrapper.client.RbdFile;
import org.rbdwrapper.client.admin.BrokerAdmin;
import org.rbdwrapper.client.admin.MapRequest;
import org.rbdwrapper.ipc.codec.IoOp;
import org.rbdwrapper.ipc.control.ControlConnection;
import org.rbdwrapper.ipc.segment.SegmentDescriptor;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;

/**
 * Clients with pauses, on one messenger with one that is never idle, with many that never do
 * anything, and with some that ring without pause for nothing.
 */
@Execution(ExecutionMode.SAME_THREAD)
@Timeout(180)
final class IdleSessionsSystemTest {
    private static final int LENGTH = 512;
    private static final int IDLE_SESSIONS = 24;

    private final List<RawSession> sessions = new ArrayList<>();
    private final AtomicReference<Throwable> failure = new AtomicReference<>();
    private final AtomicBoolean stop = new AtomicBoolean();
    private final List<Thread> neighbours = new ArrayList<>();
    private TestBroker broker;
    private String path;

    @BeforeEach
    void startBrokerWithManySessions() throws Exception {
        broker =
                TestBroker.start(
                        "memory",
                        MessengerPolicy.parse("shared:1"),
                        null,
                        BrokerOptions.DEFAULT_HELLO_TIMEOUT_NANOS);
        try (BrokerAdmin admin =
                BrokerAdmin.connect("test", ControlConnection.connect(List.of(broker.runDir())))) {
            admin.create("img", 1024 * 1024);
            path = admin.map(MapRequest.of("img"));
        }
        for (int i = 0; i < IDLE_SESSIONS; i++) {
            sessions.add(new RawSession(broker.runDir(), SegmentDescriptor.MAX_CHANNELS));
        }
    }

    @AfterEach
    void stopBroker() throws Exception {
        stop.set(true);
        for (Thread neighbour : neighbours) {
            neighbour.join();
        }
        for (RawSession session : sessions) {
            session.close();
        }
        broker.close();
        assertNull(failure.get(), () -> "" + failure.get());
    }

    @Test
    void shouldAnswerClientsWithPausesBesideBusyOne() throws Exception {
        startBusyNeighbour();
        writeAndReadWithPauses(2000);
    }

    @Test
    void shouldAnswerClientsWithPausesBesideOnesThatRingForNothing() throws Exception {
        neighbours.add(
                work(
                        () -> {
                            while (!stop.get()) {
                                for (int i = 0; i < IDLE_SESSIONS; i++) {
                                    sessions.get(i).ring();
                                }
                            }
                        }));
        writeAndReadWithPauses(400);
    }

    @Test
    void shouldAnswerClientsWithPausesThatNobodyElseKeepsTheBrokerAwakeFor() throws Exception {
        writeAndReadWithPauses(1000);
    }

    /** Each thread has a part of the image that is its own. */
    private void writeAndReadWithPauses(int requests) throws Exception {
        List<Thread> threads = new ArrayList<>();
        try (RbdFile file = RbdFile.openAt(broker.runDir(), path)) {
            for (int i = 0; i < 5; i++) {
                int position = i * LENGTH;
                SplittableRandom random = new SplittableRandom(i);
                threads.add(
                        work(
                                () -> {
                                    for (int n = 0; n < requests && failure.get() == null; n++) {
                                        // sessions rest after a millisecond or two
                                        LockSupport.parkNanos(random.nextLong(3_000_000));
                                        writeAndRead(file, position, (byte) n);
                                    }
                                }));
            }
            for (Thread thread : threads) {
                thread.join();
            }
        }
    }

    private static void writeAndRead(RbdFile file, int position, byte value) throws Exception {
        ByteBuffer buffer = ByteBuffer.allocate(LENGTH);
        java.util.Arrays.fill(buffer.array(), value);
        assertEquals(LENGTH, file.write(buffer, position));
        ByteBuffer back = ByteBuffer.allocate(LENGTH);
        assertEquals(LENGTH, file.read(back, position));
        assertEquals(buffer.flip(), back.flip());
    }

    private void startBusyNeighbour() throws Exception {
        RawSession busy = new RawSession(broker.runDir());
        sessions.add(busy);
        int handle = busy.open(path);
        neighbours.add(
                work(
                        () -> {
                            while (!stop.get()) {
                                busy.prepare(0, handle, IoOp.READ.value(), 0, LENGTH, 0);
                                busy.publish();
                                busy.ring();
                                assertEquals((long) LENGTH, busy.awaitResult());
                            }
                        }));
    }

    private Thread work(Task task) {
        return Thread.ofPlatform()
                .start(
                        () -> {
                            try {
                                task.run();
                            } catch (Throwable t) {
                                failure.compareAndSet(null, t);
                            }
                        });
    }

    @FunctionalInterface
    private interface Task {
        void run() throws Exception;
    }
}
