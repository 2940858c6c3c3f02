package org.rbdwrapper.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.AppenderBase;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.parallel.Isolated;
import org.rbdwrapper.broker.BrokerOptions;
import org.rbdwrapper.broker.messenger.MessengerPolicy;
import org.rbdwrapper.broker.store.StoreImage;
import org.rbdwrapper.broker.store.memory.MemoryStore;
import org.rbdwrapper.broker.testing.JavaProcess;
import org.rbdwrapper.broker.testing.TestBroker;
import org.rbdwrapper.broker.watch.Watchdog;
import org.rbdwrapper.client.admin.BrokerAdmin;
import org.rbdwrapper.client.admin.MapRequest;
import org.rbdwrapper.ipc.control.ControlConnection;
import org.slf4j.LoggerFactory;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.FutureTask;

/** A real broker whose store does not come back from a call that should never block. */
@Isolated("reads the log of all watchdogs of this JVM")
@Timeout(240)
final class StallsSystemTest {
    private final Logger logger = (Logger) LoggerFactory.getLogger(Watchdog.class);
    private final Lines lines = new Lines();
    private final Gate gate = new Gate();
    private TestBroker broker;
    private BrokerAdmin admin;
    private String path;

    @BeforeEach
    void start() throws Exception {
        lines.start();
        logger.addAppender(lines);
        broker =
                TestBroker.start(
                        "memory",
                        MessengerPolicy.PER_CLIENT,
                        new WrappedImagesStore(new MemoryStore(), this::held),
                        BrokerOptions.DEFAULT_HELLO_TIMEOUT_NANOS);
        admin = BrokerAdmin.connect("test", ControlConnection.connect(List.of(broker.runDir())));
        admin.create("img", 1024 * 1024);
        path = admin.map(MapRequest.of("img"));
    }

    @AfterEach
    void stop() throws Exception {
        gate.open();
        admin.close();
        broker.close();
        logger.detachAppender(lines);
    }

    @Test
    void shouldShowAMessengerThatDoesNotComeBackFromTheStore() throws Exception {
        assertEquals(0, stalls().size());
        assertTrue(!status("plain").contains("stalled"));
        try (RbdFile file = open()) {
            gate.close("submit");
            CompletableFuture<Integer> read = file.readAsync(ByteBuffer.allocate(4096), 0);
            JsonArray stalls = stalls();
            while (stalls.isEmpty()) {
                stalls = stalls();
            }
            assertEquals(1, stalls.size());
            JsonObject stall = stalls.get(0).getAsJsonObject();
            assertTrue(stall.get("thread").getAsString().startsWith("messenger-"));
            assertEquals(1, stall.get("threads").getAsInt());
            assertTrue(stall.get("seconds").getAsDouble() > 0);
            String shown = status("plain");
            shown = shown.substring(shown.indexOf("stalled"));
            assertTrue(shown.contains(stall.get("thread").getAsString() + " for "), shown);
            assertTrue(shown.contains(stall.get("what").getAsString()), shown);
            gate.open();
            assertEquals(4096, read.get());
            lines.await("is over");
        }
        assertEquals(0, stalls().size());
        assertEquals(1, lines.with("has been in one call").size());
        assertTrue(lines.with("has been in one call").getFirst().contains("BrokerChannel.submit"));
    }

    @Test
    void shouldTellOfAConductorThatCannotAnswerMeanwhile() throws Exception {
        try (RbdFile file = open()) {
            gate.close("times");
            FutureTask<Long> size = new FutureTask<>(file::size);
            Thread.ofPlatform().start(size);
            String line = lines.await("conductor has been in one call");
            assertTrue(line.contains("StatHandler.onStatHandle"), line);
            gate.open();
            assertEquals(1024 * 1024, size.get());
            lines.await("conductor: what was stuck");
        }
        assertEquals(0, stalls().size());
        assertEquals(2, lines.with("conductor").size());
    }

    private RbdFile open() throws Exception {
        return RbdFile.openAt(broker.runDir(), path);
    }

    private JsonArray stalls() throws Exception {
        return StatusOf.broker(broker).getAsJsonArray("stalls");
    }

    private String status(String format) throws Exception {
        try (JavaProcess command =
                JavaProcess.start(
                        Map.of(),
                        "org.rbdwrapper.broker.cli.BrokerMain",
                        "status",
                        "--run-dir",
                        broker.runDir().toString(),
                        "--format",
                        format)) {
            return command.awaitSuccess(60);
        }
    }

    /** Passes everything on, when the gate lets it. */
    private StoreImage held(StoreImage image) {
        return (StoreImage)
                Proxy.newProxyInstance(
                        StoreImage.class.getClassLoader(),
                        new Class<?>[] {StoreImage.class},
                        (proxy, method, arguments) -> {
                            gate.pass(method.getName());
                            try {
                                return method.invoke(image, arguments);
                            } catch (InvocationTargetException e) {
                                throw e.getCause();
                            }
                        });
    }

    /** Holds the calls of one name. */
    private static final class Gate {
        private String held = "";

        synchronized void close(String method) {
            held = method;
        }

        synchronized void open() {
            held = "";
            notifyAll();
        }

        synchronized void pass(String method) throws InterruptedException {
            while (held.equals(method)) {
                wait();
            }
        }
    }

    /** What the watchdog has said. */
    private static final class Lines extends AppenderBase<ILoggingEvent> {
        private final List<String> all = new ArrayList<>(); // guarded by this

        @Override
        protected synchronized void append(ILoggingEvent event) {
            all.add(event.getFormattedMessage());
            notifyAll();
        }

        synchronized List<String> with(String text) {
            return all.stream().filter(line -> line.contains(text)).toList();
        }

        synchronized String await(String text) throws InterruptedException {
            while (with(text).isEmpty()) {
                wait(); // the test's timeout ends this
            }
            return with(text).getFirst();
        }
    }
}
