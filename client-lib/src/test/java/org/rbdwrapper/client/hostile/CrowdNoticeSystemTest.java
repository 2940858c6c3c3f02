package org.rbdwrapper.client.hostile;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.rbdwrapper.ipc.segment.SegmentDescriptor.REQUEST_RING_OFFSET;

import org.agrona.concurrent.UnsafeBuffer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;
import org.rbdwrapper.broker.BrokerOptions;
import org.rbdwrapper.broker.messenger.MessengerPolicy;
import org.rbdwrapper.broker.testing.TestBroker;
import org.rbdwrapper.client.admin.BrokerAdmin;
import org.rbdwrapper.client.admin.MapRequest;
import org.rbdwrapper.ipc.codec.IoOp;
import org.rbdwrapper.ipc.control.ControlConnection;
import org.rbdwrapper.ipc.segment.CrowdNotice;

import java.util.ArrayList;
import java.util.List;

/** What a client is told of the others, that it may leave the cores to them. */
@Execution(ExecutionMode.SAME_THREAD)
final class CrowdNoticeSystemTest {
    private static final long LIMIT_NANOS = 30_000_000_000L;
    private static final int LENGTH = 512;

    private final List<RawSession> sessions = new ArrayList<>();
    private final List<Integer> handles = new ArrayList<>();
    private TestBroker broker;

    @BeforeEach
    void startBrokerAndMoreClientsThanMayLook() throws Exception {
        broker =
                TestBroker.start(
                        "memory",
                        MessengerPolicy.parse("shared:1"),
                        null,
                        BrokerOptions.DEFAULT_HELLO_TIMEOUT_NANOS);
        try (BrokerAdmin admin =
                BrokerAdmin.connect("test", ControlConnection.connect(List.of(broker.runDir())))) {
            admin.create("img", 1024 * 1024);
            String path = admin.map(MapRequest.of("img"));
            int clients = Math.max(2, Runtime.getRuntime().availableProcessors());
            for (int i = 0; i < clients; i++) {
                sessions.add(new RawSession(broker.runDir()));
                handles.add(sessions.get(i).open(path));
            }
        }
    }

    @AfterEach
    void stopBroker() throws Exception {
        for (RawSession session : sessions) {
            session.close();
        }
        broker.close();
    }

    @Test
    void shouldTellOfACrowdWhileThereIsOne() {
        readUntilTold(1, false); // one client alone
        readUntilTold(sessions.size(), true);
        readUntilTold(1, false);
    }

    private void readUntilTold(int readers, boolean wanted) {
        RawSession first = sessions.getFirst();
        long channel = first.requests.addressOffset() - REQUEST_RING_OFFSET;
        CrowdNotice notice = new CrowdNotice(new UnsafeBuffer(channel, REQUEST_RING_OFFSET));
        long began = System.nanoTime();
        // at least as long as clients are counted over
        while (notice.isCrowd() != wanted || System.nanoTime() - began < 200_000_000) {
            assertTrue(System.nanoTime() - began < LIMIT_NANOS, "not told in time");
            for (int i = 0; i < readers; i++) {
                RawSession session = sessions.get(i);
                session.prepare(0, handles.get(i), IoOp.READ.value(), 0, LENGTH, 0);
                session.publish();
                session.ring();
                assertEquals((long) LENGTH, session.awaitResult());
            }
        }
    }
}
