package org.rbdwrapper.client.death;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.rbdwrapper.broker.store.fault.Fault;
import org.rbdwrapper.broker.store.fault.FaultPlan;
import org.rbdwrapper.broker.store.fault.FaultPoint;
import org.rbdwrapper.broker.testing.JavaProcess;
import org.rbdwrapper.broker.testing.TestBroker;
import org.rbdwrapper.client.ReadingClient;
import org.rbdwrapper.client.admin.BrokerAdmin;
import org.rbdwrapper.client.admin.MapRequest;
import org.rbdwrapper.ipc.Errno;
import org.rbdwrapper.ipc.ErrnoException;
import org.rbdwrapper.ipc.control.ControlConnection;

import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** An image is free when the process that had it open has ended, not some time later. */
final class UseAfterDeathSystemTest {
    private static final int LIMIT_SECONDS = 60;
    private static final int ROUNDS = 10;

    private final FaultPlan plan = new FaultPlan();
    private TestBroker broker;
    private BrokerAdmin admin;

    @BeforeEach
    void start() throws Exception {
        broker = TestBroker.startFaulty(plan);
        admin = BrokerAdmin.connect("test", ControlConnection.connect(List.of(broker.runDir())));
    }

    @AfterEach
    void stop() throws Exception {
        plan.clear();
        admin.close();
        broker.close();
    }

    @Test
    void shouldUnmapWhenTheRequestsOfTheDeadAreDone() throws Exception {
        admin.create("img", 1024 * 1024);
        String path = admin.map(MapRequest.of("img"));
        dieReading(path);
        CompletableFuture<Void> unmapped = unmapInBackground(path);
        // nothing but the held request can end it
        assertThrows(TimeoutException.class, () -> unmapped.get(300, TimeUnit.MILLISECONDS));
        plan.clear();
        unmapped.get(LIMIT_SECONDS, TimeUnit.SECONDS);
        admin.remove("img", (done, total) -> {});
    }

    @Test
    void shouldNotWaitForTheDeadWhereTheImageStaysMapped() throws Exception {
        admin.create("img", 1024 * 1024);
        String other =
                admin.map(
                        new MapRequest(
                                "img",
                                "other",
                                false,
                                OptionalLong.empty(),
                                OptionalLong.empty(),
                                MapRequest.DEFAULT_MODE,
                                ""));
        dieReading(admin.map(MapRequest.of("img")));
        unmapInBackground(other).get(LIMIT_SECONDS, TimeUnit.SECONDS);
    }

    @Test
    void shouldRemoveWhatADeadProcessHadOpen() throws Exception {
        for (int i = 0; i < ROUNDS; i++) {
            admin.create("img", 1024 * 1024);
            String path = admin.map(MapRequest.of("img"));
            try (JavaProcess reader = reader(path)) {
                reader.awaitLine("reading");
                ErrnoException used =
                        assertThrows(ErrnoException.class, () -> admin.unmap(path, false));
                assertEquals(Errno.EBUSY, used.errno());
            } // killed, and waited for
            admin.unmap(path, false);
            admin.remove("img", (done, total) -> {});
        }
    }

    /** A process that ends while a read of it is held in the store. */
    private void dieReading(String path) throws Exception {
        try (JavaProcess reader = reader(path)) {
            reader.awaitLine("reading");
            plan.add(Fault.hold(FaultPoint.READ));
            plan.awaitHeld(1);
        }
    }

    private CompletableFuture<Void> unmapInBackground(String path) {
        return CompletableFuture.runAsync(
                () -> {
                    try {
                        admin.unmap(path, false);
                    } catch (ErrnoException e) {
                        throw new CompletionException(e);
                    }
                });
    }

    private JavaProcess reader(String path) throws Exception {
        return JavaProcess.start(Map.of(), ReadingClient.class, broker.runDir().toString(), path);
    }
}
