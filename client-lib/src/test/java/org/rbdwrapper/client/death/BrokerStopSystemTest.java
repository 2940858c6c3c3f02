package org.rbdwrapper.client.death;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.rbdwrapper.broker.store.fault.Fault;
import org.rbdwrapper.broker.store.fault.FaultPlan;
import org.rbdwrapper.broker.store.fault.FaultPoint;
import org.rbdwrapper.broker.testing.JavaProcess;
import org.rbdwrapper.broker.testing.TestBroker;
import org.rbdwrapper.client.WritingClient;
import org.rbdwrapper.client.admin.BrokerAdmin;
import org.rbdwrapper.client.admin.MapRequest;
import org.rbdwrapper.ipc.ErrnoException;
import org.rbdwrapper.ipc.control.ControlConnection;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** How a broker that is asked to end treats what it has in hand. */
final class BrokerStopSystemTest {
    private static final int LIMIT_SECONDS = 60;

    /** The common pool may have one alone. */
    private static final Executor OWN_THREAD = task -> Thread.ofPlatform().daemon().start(task);

    private final FaultPlan plan = new FaultPlan();
    private TestBroker broker;
    private String path;

    @BeforeEach
    void startBroker() throws Exception {
        broker = TestBroker.startFaulty(plan);
        try (BrokerAdmin admin =
                BrokerAdmin.connect("test", ControlConnection.connect(List.of(broker.runDir())))) {
            admin.create("img", 1 << 20);
            path = admin.map(MapRequest.of("img"));
        }
    }

    @AfterEach
    void letHeldOnesGo() {
        plan.clear();
    }

    @Test
    void shouldAnswerWhatItHasTakenBeforeItEnds() throws Exception {
        try (JavaProcess writer = startWriterWhoseRequestIsHeld()) {
            assertEndsWhenHeldOneIsLetGo();
            assertTrue(writer.process().isAlive());
        }
    }

    @Test
    void shouldEndWithoutRequestsThatTheStoreNeverAnswers() throws Exception {
        try (JavaProcess writer = startWriterWhoseRequestIsHeld()) {
            stop().get(LIMIT_SECONDS, TimeUnit.SECONDS);
            assertEquals(1, plan.heldCount());
            assertTrue(writer.process().isAlive());
        }
    }

    @Test
    void shouldLetCallsToTheStoreEndBeforeItEnds() throws Exception {
        CompletableFuture<Void> created = createWhoseCallIsHeld();
        assertEndsWhenHeldOneIsLetGo();
        assertThrows(ExecutionException.class, created::get); // nobody is there to answer
    }

    @Test
    void shouldEndWithoutCallsThatTheStoreNeverAnswers() throws Exception {
        CompletableFuture<Void> created = createWhoseCallIsHeld();
        stop().get(LIMIT_SECONDS, TimeUnit.SECONDS);
        assertEquals(1, plan.heldCount());
        assertThrows(ExecutionException.class, created::get);
    }

    private JavaProcess startWriterWhoseRequestIsHeld() throws Exception {
        JavaProcess writer =
                JavaProcess.start(Map.of(), WritingClient.class, broker.runDir().toString(), path);
        writer.awaitLine("writing");
        plan.add(Fault.hold(FaultPoint.WRITE));
        plan.awaitHeld(1);
        return writer;
    }

    private CompletableFuture<Void> createWhoseCallIsHeld() throws Exception {
        plan.add(Fault.hold(FaultPoint.CREATE));
        CompletableFuture<Void> created =
                CompletableFuture.runAsync(
                        () -> {
                            try (BrokerAdmin admin =
                                    BrokerAdmin.connect(
                                            "test",
                                            ControlConnection.connect(List.of(broker.runDir())))) {
                                admin.create("another", 1 << 20);
                            } catch (ErrnoException e) {
                                throw new CompletionException(e);
                            }
                        },
                        OWN_THREAD);
        plan.awaitHeld(1);
        return created;
    }

    private void assertEndsWhenHeldOneIsLetGo() throws Exception {
        CompletableFuture<Void> stopped = stop();
        // nothing but that can keep it
        assertThrows(TimeoutException.class, () -> stopped.get(300, TimeUnit.MILLISECONDS));
        plan.clear();
        stopped.get(LIMIT_SECONDS, TimeUnit.SECONDS);
    }

    private CompletableFuture<Void> stop() {
        return CompletableFuture.runAsync(
                () -> {
                    try {
                        broker.close();
                    } catch (IOException e) {
                        throw new UncheckedIOException(e);
                    }
                },
                OWN_THREAD);
    }
}
