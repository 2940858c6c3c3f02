package org.rbdwrapper.client.hostile;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonObject;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.rbdwrapper.broker.BrokerOptions;
import org.rbdwrapper.broker.messenger.MessengerPolicy;
import org.rbdwrapper.broker.testing.TestBroker;
import org.rbdwrapper.client.RbdBuffer;
import org.rbdwrapper.client.RbdFile;
import org.rbdwrapper.client.StatusOf;
import org.rbdwrapper.client.admin.BrokerAdmin;
import org.rbdwrapper.client.admin.MapRequest;
import org.rbdwrapper.ipc.codec.IoOp;
import org.rbdwrapper.ipc.control.ControlConnection;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/** Few requests that are much work for the store, beside a client that works. */
@Timeout(value = 120, unit = TimeUnit.SECONDS)
final class CostlyRequestsSystemTest {
    private static final int ARENA = 1024 * 1024;
    private static final long HUGE = 4L << 40;
    private static final int MAX_OBJECTS = 8; // of a user
    private static final int OTHERS_REQUESTS = 200;

    private final HoldingStore store = new HoldingStore();
    private TestBroker broker;
    private BrokerAdmin admin;
    private String path;
    private RbdFile others;

    @BeforeEach
    void start() throws Exception {
        broker =
                TestBroker.start(
                        "memory",
                        MessengerPolicy.parse("shared:1"),
                        store.make(),
                        BrokerOptions.DEFAULT_HELLO_TIMEOUT_NANOS);
        admin = BrokerAdmin.connect("test", ControlConnection.connect(List.of(broker.runDir())));
        admin.create("huge", HUGE);
        admin.create("others", ARENA);
        path = admin.map(MapRequest.of("huge"));
        others = RbdFile.openAt(broker.runDir(), admin.map(MapRequest.of("others")));
    }

    @AfterEach
    void stop() throws Exception {
        store.releaseAll();
        others.close();
        admin.close();
        broker.close();
    }

    private long used(String resource) throws Exception {
        JsonObject limits = StatusOf.broker(broker).getAsJsonObject("limits");
        return limits.getAsJsonObject(resource).get("used").getAsLong();
    }

    /** Through the same messenger. */
    private void othersGoOn() throws Exception {
        ByteBuffer block = ByteBuffer.allocateDirect(4096);
        for (int i = 0; i < OTHERS_REQUESTS; i++) {
            assertEquals(4096, others.write(block.clear(), 0));
            assertEquals(4096, others.read(block.clear(), 0));
        }
    }

    private void awaitEndOf(int clients) throws Exception {
        while (admin.clients().size() > clients) {
            Thread.sleep(10);
        }
    }

    @Test
    void shouldHaveNoMoreBytesUnderWayThanTheArenaHoweverOftenTheyAreNamed() throws Exception {
        try (RawSession session = new RawSession(broker.runDir(), 64, ARENA)) {
            int handle = session.open(path);
            for (int tag = 0; tag < 64; tag++) {
                session.prepare(tag, handle, IoOp.WRITE.value(), tag * (long) ARENA, ARENA / 2, 0);
                session.publish();
            }
            session.ring();
            store.awaitQuiet();
            assertEquals(2, store.heldCount());
            othersGoOn();
            assertEquals(ARENA, used("in_flight_bytes"));
            int answered = 0;
            while (answered < 64) {
                store.release();
                for (Long result = session.pollResult();
                        result != null;
                        result = session.pollResult()) {
                    assertEquals(ARENA / 2, result);
                    answered++;
                }
            }
            assertEquals(64, store.begun());
            assertEquals(ARENA, store.mostBytes());
        }
        assertEquals(0, used("in_flight_bytes"));
    }

    @Test
    void shouldMakeNoneOfWhatWaitsForAClientThatHasGone() throws Exception {
        int before = admin.clients().size();
        try (RawSession session = new RawSession(broker.runDir(), 64, ARENA)) {
            int handle = session.open(path);
            for (int tag = 0; tag < 64; tag++) {
                session.prepare(tag, handle, IoOp.READ.value(), 0, ARENA, 0);
                session.publish();
            }
            session.ring();
            store.awaitQuiet();
        }
        awaitEndOf(before);
        othersGoOn(); // by the messenger, which has been told of the end before
        assertEquals(1, store.release());
        admin.unmap(path, false); // when it is closed
        assertEquals(1, store.begun());
        assertEquals(0, used("in_flight_bytes"));
        assertEquals(0, used("changed_objects"));
    }

    @Test
    void shouldWriteOneBufferToManyPlacesAtATime() throws Exception {
        store.releaseAll();
        try (RbdFile file = RbdFile.openAt(broker.runDir(), path);
                RbdBuffer buffer = file.allocate(8 * ARENA)) {
            List<CompletableFuture<Integer>> written = new ArrayList<>();
            for (int i = 0; i < 64; i++) {
                written.add(file.writeAsync(buffer.bytes().duplicate(), i * 8L * ARENA));
            }
            for (CompletableFuture<Integer> each : written) {
                assertEquals(8 * ARENA, each.get());
            }
        }
    }

    @Test
    void shouldHaveFewPiecesOfLongChangesUnderWayOverAllSessionsOfAUser() throws Exception {
        try (RawSession session = new RawSession(broker.runDir());
                RawSession another = new RawSession(broker.runDir())) {
            for (RawSession each : List.of(session, another)) {
                int handle = each.open(path);
                for (int tag = 0; tag < 8; tag++) {
                    IoOp op = tag % 2 == 0 ? IoOp.DISCARD : IoOp.WRITE_ZEROES;
                    each.prepare(tag, handle, op.value(), 0, HUGE, 0);
                    each.publish();
                }
                each.ring();
            }
            store.awaitQuiet();
            assertEquals(MAX_OBJECTS, store.mostObjects());
            assertEquals(MAX_OBJECTS, used("changed_objects"));
            othersGoOn();
            for (int i = 0; i < 50; i++) {
                store.release();
            }
            store.awaitQuiet();
            assertEquals(MAX_OBJECTS, store.mostObjects());
            assertNull(session.pollResult(), "an answer before the end");
        }
    }

    @Test
    void shouldStopALongChangeWithItsClient() throws Exception {
        int before = admin.clients().size();
        try (RawSession session = new RawSession(broker.runDir())) {
            int handle = session.open(path);
            for (int tag = 0; tag < 8; tag++) {
                session.prepare(tag, handle, IoOp.DISCARD.value(), 0, HUGE, 0);
                session.publish();
            }
            session.ring();
            store.awaitQuiet();
            store.release();
            store.awaitQuiet();
        }
        awaitEndOf(before);
        othersGoOn(); // by the messenger, which has been told of the end before
        long begun = store.begun();
        store.releaseAll();
        admin.unmap(path, false); // when it is closed
        assertEquals(begun, store.begun(), "pieces for nobody");
        assertEquals(0, used("changed_objects"));
    }

    @Test
    void shouldServeOthersWhileALongChangeGoesOnToItsEnd() throws Exception {
        store.releaseAll();
        try (RawSession session = new RawSession(broker.runDir())) {
            int handle = session.open(path);
            session.prepare(0, handle, IoOp.DISCARD.value(), 1000, HUGE - 1000, 0);
            session.publish();
            session.ring();
            ByteBuffer block = ByteBuffer.allocateDirect(4096);
            int requests = 0;
            Long result = session.pollResult();
            while (result == null) {
                assertEquals(4096, others.read(block.clear(), 0));
                requests++;
                result = session.pollResult();
            }
            assertEquals(HUGE - 1000, result);
            assertTrue(requests > 10, requests + " requests of another meanwhile");
            assertTrue(store.mostObjects() <= MAX_OBJECTS, "too many at a time");
        }
    }
}
