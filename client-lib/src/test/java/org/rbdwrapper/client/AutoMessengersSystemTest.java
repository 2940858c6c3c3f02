package org.rbdwrapper.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.abort;

import com.google.gson.JsonObject;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.parallel.Isolated;
import org.rbdwrapper.broker.BrokerOptions;
import org.rbdwrapper.broker.messenger.MessengerPolicy;
import org.rbdwrapper.broker.testing.JavaProcess;
import org.rbdwrapper.broker.testing.TestBroker;
import org.rbdwrapper.client.admin.BrokerAdmin;
import org.rbdwrapper.client.admin.MapRequest;
import org.rbdwrapper.ipc.control.ControlConnection;
import org.rbdwrapper.ipc.posix.SpareCores;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** {@code --messengers auto} with a real broker, and a store that its messenger is too slow for. */
@Isolated("measures how busy the cores are")
@Timeout(240)
final class AutoMessengersSystemTest {
    private static final int LIMIT_SECONDS = 120;

    /** The rule wants fewer seconds in a row, with less of a core idle on their average. */
    private static final int ENOUGH_SECONDS = 10;

    private static final double ENOUGH_IDLE_CORES = 1.1;

    @Test
    void shouldAddMessengerUnderEvidenceAndGiveItToTheNextClientButNotTheImagesHome()
            throws Exception {
        try (TestBroker broker =
                        TestBroker.start(
                                "memory",
                                MessengerPolicy.AUTO,
                                SlowSubmitStore.make(),
                                BrokerOptions.DEFAULT_HELLO_TIMEOUT_NANOS);
                BrokerAdmin admin =
                        BrokerAdmin.connect(
                                "test", ControlConnection.connect(List.of(broker.runDir())))) {
            admin.create("img", 1024 * 1024);
            String path = admin.map(MapRequest.of("img"));
            try (JavaProcess first = reader(broker, path)) {
                first.awaitLine("reading");
                try (JavaProcess second = reader(broker, path)) {
                    second.awaitLine("reading");
                    assertEquals(2, StatusOf.messenger(broker, 0).get("sessions").getAsInt());
                    awaitMessengers(broker, 2);
                    try (JavaProcess third = reader(broker, path)) {
                        third.awaitLine("reading");
                        JsonObject home = StatusOf.messenger(broker, 0);
                        JsonObject added = StatusOf.messenger(broker, 1);
                        assertEquals(2, home.get("sessions").getAsInt());
                        assertEquals(1, added.get("sessions").getAsInt());
                        assertEquals(3, home.get("opens").getAsInt(), "all at the image's home");
                        assertEquals(0, added.get("opens").getAsInt());
                        awaitRequests(broker);
                    }
                }
            }
            // what was added stays
            assertEquals(2, StatusOf.broker(broker).get("messengers").getAsInt());
        }
    }

    /** On a host whose other programs leave no core idle none is to be added. */
    private static void awaitMessengers(TestBroker broker, int wanted) throws Exception {
        List<Look> looks = new ArrayList<>();
        looks.add(Look.now());
        double idlest = 0;
        for (int second = 0; second < LIMIT_SECONDS; second++) {
            Thread.sleep(1000); // it looks once a second
            JsonObject status = StatusOf.broker(broker);
            if (status.get("messengers").getAsInt() >= wanted) {
                return;
            }
            looks.add(Look.now());
            if (looks.size() > ENOUGH_SECONDS) {
                double idle = looks.removeFirst().idleCoresUntil(looks.getLast());
                idlest = Math.max(idlest, idle);
                assertTrue(idle < ENOUGH_IDLE_CORES, idle + " cores were idle: " + status);
            }
        }
        abort("at most " + idlest + " cores of this host were idle for long");
    }

    /** At one moment, what all cores had idled since the host began. */
    private record Look(long nanos, double idleSeconds) {
        static Look now() throws IOException {
            return new Look(System.nanoTime(), AutoMessengersSystemTest.idleSeconds());
        }

        double idleCoresUntil(Look later) {
            return (later.idleSeconds - idleSeconds) / ((later.nanos - nanos) / 1e9);
        }
    }

    /** Of all cores, since the host began. */
    private static double idleSeconds() throws IOException {
        try (InputStream in = Files.newInputStream(Path.of("/proc/stat"))) {
            byte[] line = new byte[256];
            return SpareCores.idleTicks(line, in.read(line)) / 100.0;
        }
    }

    /** It counts them when it has done them: who asked may have its answer a moment before. */
    private static void awaitRequests(TestBroker broker) throws Exception {
        while (StatusOf.messenger(broker, 1).get("requests").getAsLong() == 0) {
            Thread.sleep(10); // the test's time limit ends a wait in vain
        }
    }

    /** One that looks for its answers has a core busy, of two that there may be. */
    private static JavaProcess reader(TestBroker broker, String path) throws Exception {
        return JavaProcess.start(
                Map.of("RBDW_SPIN", "off"), ReadingClient.class, broker.runDir().toString(), path);
    }
}
