package org.rbdwrapper.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;
import org.rbdwrapper.broker.BrokerOptions;
import org.rbdwrapper.broker.messenger.MessengerPolicy;
import org.rbdwrapper.broker.testing.JavaProcess;
import org.rbdwrapper.broker.testing.TestBroker;
import org.rbdwrapper.client.admin.BrokerAdmin;
import org.rbdwrapper.client.admin.ClientInfo;
import org.rbdwrapper.client.admin.MapRequest;
import org.rbdwrapper.ipc.control.ControlConnection;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Which clients share a messenger, and that they agree on what they read whatever they share. */
@Execution(ExecutionMode.SAME_THREAD)
final class MessengerPolicySystemTest {
    @Test
    void shouldGiveEachClientItsOwnUpToTheLimit() throws Exception {
        // the test's broker has a limit of 4
        assertEquals(3, messengersOf(3, "per-client").size());
        assertEquals(4, messengersOf(6, "per-client").size());
    }

    @Test
    void shouldShareSoManyAsItIsTold() throws Exception {
        assertEquals(2, messengersOf(5, "shared:2").size());
        assertEquals(1, messengersOf(3, "shared:1").size());
    }

    @Test
    void shouldBeginWithOneUnderAuto() throws Exception {
        assertEquals(1, messengersOf(3, "auto").size());
    }

    @Test
    void shouldBeCoherentUnderEachPolicy() throws Exception {
        for (String policy : List.of("per-client", "per-image", "shared:1", "shared:2", "auto")) {
            try (TestBroker broker = start(policy);
                    BrokerAdmin admin = admin(broker)) {
                admin.create("img", 1024 * 1024);
                String path = admin.map(MapRequest.of("img"));
                try (JavaProcess other =
                        JavaProcess.start(
                                Map.of(),
                                CoherenceClient.class,
                                broker.runDir().toString(),
                                path)) {
                    other.awaitLine("reading");
                    try (RbdFile file = RbdFile.openAt(broker.runDir(), path)) {
                        CoherenceClient.pingPong(file, 1);
                    }
                    other.awaitSuccess(60);
                }
            }
        }
    }

    private static Set<Integer> messengersOf(int clients, String policy) throws Exception {
        List<JavaProcess> processes = new ArrayList<>();
        try (TestBroker broker = start(policy);
                BrokerAdmin admin = admin(broker)) {
            admin.create("img", 1024 * 1024);
            String path = admin.map(MapRequest.of("img"));
            try {
                for (int i = 0; i < clients; i++) {
                    processes.add(
                            JavaProcess.start(
                                    Map.of(),
                                    CoherenceClient.class,
                                    broker.runDir().toString(),
                                    path));
                }
                for (JavaProcess process : processes) {
                    process.awaitLine("reading");
                }
                List<ClientInfo> connected =
                        admin.clients().stream().filter(client -> client.channels() > 0).toList();
                assertEquals(clients, connected.size());
                Set<Integer> messengers = new HashSet<>();
                connected.forEach(client -> messengers.add(client.messenger()));
                assertTrue(messengers.stream().allMatch(messenger -> messenger >= 0));
                return messengers;
            } finally {
                for (JavaProcess process : processes) {
                    process.close();
                }
            }
        }
    }

    private static TestBroker start(String policy) throws Exception {
        return TestBroker.start(
                "memory",
                MessengerPolicy.parse(policy),
                null,
                BrokerOptions.DEFAULT_HELLO_TIMEOUT_NANOS);
    }

    private static BrokerAdmin admin(TestBroker broker) throws Exception {
        return BrokerAdmin.connect("test", ControlConnection.connect(List.of(broker.runDir())));
    }
}
