package org.rbdwrapper.client;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.rbdwrapper.broker.testing.JavaProcess;
import org.rbdwrapper.broker.testing.TestBroker;
import org.rbdwrapper.client.admin.BrokerAdmin;
import org.rbdwrapper.client.admin.ClientInfo;
import org.rbdwrapper.client.admin.MapRequest;
import org.rbdwrapper.ipc.ErrnoException;
import org.rbdwrapper.ipc.control.ControlConnection;

import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/** What a StackOverflowError leaves behind that is thrown anywhere within the library. */
final class DeepStackSystemTest {
    private static final int ROUNDS = 400;
    private static final int LIMIT_SECONDS = 40;

    private TestBroker broker;
    private BrokerAdmin admin;
    private String path;
    private String otherPath;

    @BeforeEach
    void startBroker() throws Exception {
        broker = TestBroker.start("file");
        admin = BrokerAdmin.connect("test", ControlConnection.connect(List.of(broker.runDir())));
        admin.create("img", 1 << 20);
        path = admin.map(MapRequest.of("img"));
        admin.create("other", 2 << 20);
        otherPath = admin.map(MapRequest.of("other"));
    }

    @AfterEach
    void stopBroker() throws Exception {
        admin.close();
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
                        otherPath,
                        Long.toString(seed),
                        Integer.toString(ROUNDS))) {
            client.awaitLine("in use");
            Set<Long> before = sessions();
            client.awaitLine("all closed");
            assertEquals(before, sessions(), "a session was given up");
            admin.unmap(path, false);
            admin.unmap(otherPath, false);
            client.process().getOutputStream().write('\n');
            client.process().getOutputStream().flush();
            System.out.println("seed " + seed + ": " + client.awaitSuccess(LIMIT_SECONDS).strip());
        }
    }

    private Set<Long> sessions() throws ErrnoException {
        return admin.clients().stream().map(ClientInfo::sessionId).collect(Collectors.toSet());
    }
}
