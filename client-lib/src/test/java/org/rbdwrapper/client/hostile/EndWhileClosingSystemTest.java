package org.rbdwrapper.client.hostile;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Isolated;
import org.rbdwrapper.broker.store.fault.Fault;
import org.rbdwrapper.broker.store.fault.FaultPlan;
import org.rbdwrapper.broker.store.fault.FaultPoint;
import org.rbdwrapper.broker.testing.TestBroker;
import org.rbdwrapper.client.MappedSegments;
import org.rbdwrapper.client.admin.BrokerAdmin;
import org.rbdwrapper.client.admin.MapRequest;
import org.rbdwrapper.ipc.codec.IoOp;
import org.rbdwrapper.ipc.control.ControlConnection;

import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/**
 * Clients that end while an open of theirs is being closed already, and the store has a request of
 * it: what it reads late goes into memory that must still be there.
 */
@Isolated("counts what the JVM has mapped")
final class EndWhileClosingSystemTest {
    private final FaultPlan plan = new FaultPlan();
    private TestBroker broker;
    private BrokerAdmin admin;
    private String path;
    private MappedSegments segments;

    @BeforeEach
    void start() throws Exception {
        broker = TestBroker.startFaulty(plan);
        admin = BrokerAdmin.connect("test", ControlConnection.connect(List.of(broker.runDir())));
        admin.create("img", 1 << 20);
        path = admin.map(MapRequest.of("img"));
        segments = MappedSegments.sinceNow();
    }

    @AfterEach
    void stop() throws Exception {
        plan.clear();
        admin.close();
        broker.close();
    }

    @Test
    void shouldKeepMemoryOfRequestsWhoseFileTheClientHadClosed() throws Exception {
        try (RawSession client = new RawSession(broker.runDir())) {
            int handle = readHeld(client);
            client.requestClose(handle);
            awaitTaken();
        }
        assertMemoryStaysUntilTheRequestIsDone();
    }

    @Test
    void shouldKeepMemoryOfRequestsWhoseFileWasTakenFromTheClient() throws Exception {
        CompletableFuture<Void> unmapped;
        try (RawSession client = new RawSession(broker.runDir())) {
            readHeld(client);
            unmapped =
                    CompletableFuture.runAsync(
                            () -> {
                                try {
                                    admin.unmap(path, true);
                                } catch (Exception e) {
                                    throw new IllegalStateException(e);
                                }
                            });
            awaitTaken();
        }
        assertMemoryStaysUntilTheRequestIsDone();
        unmapped.get(30, TimeUnit.SECONDS);
    }

    private int readHeld(RawSession client) throws Exception {
        int handle = client.open(path);
        plan.add(Fault.hold(FaultPoint.READ));
        client.prepare(0, handle, IoOp.READ.value(), 0, 4096, 0);
        client.publish();
        client.ring();
        plan.awaitHeld(1);
        return handle;
    }

    /** The broker has begun to close, as it has answered others since. */
    private void awaitTaken() throws Exception {
        try (BrokerAdmin other =
                BrokerAdmin.connect("other", ControlConnection.connect(List.of(broker.runDir())))) {
            for (int i = 0; i < 20; i++) {
                other.clients();
                Thread.sleep(10);
            }
        }
    }

    /** Of this process, which is the broker's: the client's own mapping is gone. */
    private void assertMemoryStaysUntilTheRequestIsDone() throws Exception {
        awaitTaken();
        assertEquals(1, segments.count());
        plan.clear(); // the store reads into it
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(30);
        while (segments.count() > 0) {
            assertTrue(System.nanoTime() < deadline, "the segment is not freed");
            Thread.sleep(10);
        }
    }
}
