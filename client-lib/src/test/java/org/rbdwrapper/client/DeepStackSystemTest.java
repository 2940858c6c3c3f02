package org.rbdwrapper.client;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.rbdwrapper.broker.testing.JavaProcess;
import org.rbdwrapper.broker.testing.TestBroker;
import org.rbdwrapper.client.admin.BrokerAdmin;
import org.rbdwrapper.client.admin.MapRequest;
import org.rbdwrapper.ipc.control.ControlConnection;

import java.util.List;
import java.util.Map;

/** What a StackOverflowError leaves behind that is thrown anywhere within the library. */
final class DeepStackSystemTest {
    private static final int ROUNDS = 400;
    private static final int LIMIT_SECONDS = 40;

    private TestBroker broker;
    private String path;

    @BeforeEach
    void startBroker() throws Exception {
        broker = TestBroker.start("file");
        try (BrokerAdmin admin =
                BrokerAdmin.connect("test", ControlConnection.connect(List.of(broker.runDir())))) {
            admin.create("img", 1 << 20);
            path = admin.map(MapRequest.of("img"));
        }
    }

    @AfterEach
    void stopBroker() throws Exception {
        broker.close();
    }

    @Test
    void shouldServeOthersAfterWhoHadNoStackLeft() throws Exception {
        long seed = System.nanoTime() % 1_000_000;
        try (JavaProcess client =
                JavaProcess.start(
                        Map.of(),
                        DeepStackClient.class,
                        broker.runDir().toString(),
                        path,
                        Long.toString(seed),
                        Integer.toString(ROUNDS))) {
            System.out.println("seed " + seed + ": " + client.awaitSuccess(LIMIT_SECONDS).strip());
        }
    }
}
