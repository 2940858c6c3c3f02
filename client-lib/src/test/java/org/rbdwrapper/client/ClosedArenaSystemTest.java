package org.rbdwrapper.client;

import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.rbdwrapper.broker.testing.JavaProcess;
import org.rbdwrapper.broker.testing.TestBroker;
import org.rbdwrapper.client.admin.BrokerAdmin;
import org.rbdwrapper.client.admin.MapRequest;
import org.rbdwrapper.ipc.control.ControlConnection;

import java.util.List;
import java.util.Map;

/** In a process of its own, since it is the JVM that must not end. */
final class ClosedArenaSystemTest {
    private static final int LIMIT_SECONDS = 60;

    @Test
    void shouldOutliveArenasThatAreClosedUnderItsCopies() throws Exception {
        try (TestBroker broker = TestBroker.start("memory");
                BrokerAdmin admin =
                        BrokerAdmin.connect(
                                "test", ControlConnection.connect(List.of(broker.runDir())))) {
            admin.create("img", 2 * 1024 * 1024);
            String path = admin.map(MapRequest.of("img"));
            try (JavaProcess program =
                    JavaProcess.start(
                            Map.of(), ArenaClosingClient.class, broker.runDir().toString(), path)) {
                String said = program.awaitSuccess(LIMIT_SECONDS);
                String last = said.lines().reduce("", (before, line) -> line);
                assertTrue(last.matches("refused [1-9][0-9]*"), said);
            }
        }
    }
}
