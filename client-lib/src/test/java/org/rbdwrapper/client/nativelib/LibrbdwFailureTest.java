package org.rbdwrapper.client.nativelib;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.rbdwrapper.broker.testing.TestBroker;
import org.rbdwrapper.client.admin.BrokerAdmin;
import org.rbdwrapper.client.admin.MapRequest;
import org.rbdwrapper.ipc.Errno;
import org.rbdwrapper.ipc.control.ControlConnection;

import java.nio.file.Path;
import java.util.Collections;
import java.util.List;
import java.util.Map;

/** What a C program sees of a broker that is not there, goes away, or does wrong. */
final class LibrbdwFailureTest {
    private static final String GONE =
            Errno.ENOTCONN.number()
                    + " the broker is gone and has not come back in time: transport endpoint is not"
                    + " connected (ENOTCONN)";

    private static final String PATIENCE = "RBDW_RECONNECT_TIMEOUT";

    @TempDir Path temporary;

    @Test
    void shouldNameSocketAndWhatToDoWhereNoBrokerRuns() throws Exception {
        NativeProgram.run(temporary, "rbdw_tool", "size", "/rbdw/img0")
                .expectFailure(
                        temporary.resolve("broker.sock").toString(),
                        "rbdwrapper-broker start",
                        "ECONNREFUSED");
    }

    @Test
    void shouldRefuseRunDirectoryThatIsTooLongForSocket() throws Exception {
        NativeProgram.run(Path.of("/tmp", "x".repeat(200)), "rbdw_tool", "size", "/rbdw/img0")
                .expectFailure("RBDW_RUN_DIR", "ENAMETOOLONG");
    }

    @Test
    void shouldRefuseATimeoutThatIsNoNumber() throws Exception {
        for (String timeout : List.of("soon", "-1", "NaN", "1e3", "0,5", ".", " 1", "1s")) {
            try (NativeProgram program =
                    NativeProgram.start(
                            temporary,
                            Map.of(PATIENCE, timeout),
                            new byte[0],
                            "rbdw_tool",
                            "size",
                            "/rbdw/img0")) {
                program.await()
                        .expectFailure(
                                PATIENCE
                                        + " is "
                                        + timeout
                                        + ": it must be a number of seconds, as 30 or 0.5",
                                "EINVAL");
            }
        }
    }

    @Test
    void shouldPassOnWhyHelloWasRefused() throws Exception {
        try (FakeBroker broker = new FakeBroker();
                NativeProgram program = tool(broker)) {
            broker.awaitHello();
            broker.refuse(Errno.EPROTONOSUPPORT, "the client speaks protocol 1.0, the broker 2.0");
            program.await().expectFailure("protocol 1.0, the broker 2.0", "EPROTONOSUPPORT");
        }
    }

    @Test
    void shouldRefuseMemoryThatCanBeTakenAway() throws Exception {
        try (FakeBroker broker = new FakeBroker();
                NativeProgram program = tool(broker)) {
            broker.awaitHello();
            broker.welcomeWithoutSeal();
            program.await().expectFailure("not sealed", "EPROTO");
        }
    }

    @Test
    void shouldFailRequestThatWaitsWhenBrokerGoes() throws Exception {
        try (FakeBroker broker = new FakeBroker();
                NativeProgram program = tool(broker)) {
            broker.awaitHello();
            broker.welcome();
            broker.open();
            broker.awaitRequest();
            broker.hangUp();
            program.await().expectFailure("the broker is gone", "ENOTCONN");
        }
    }

    @Test
    void shouldNameRequestThatFailed() throws Exception {
        try (FakeBroker broker = new FakeBroker();
                NativeProgram program = tool(broker)) {
            broker.awaitHello();
            broker.welcome();
            broker.open();
            broker.respond(broker.awaitRequest(), -Errno.EIO.number());
            broker.hangUp(); // the close is not answered
            program.await().expectFailure("read of 100 bytes at 0 of /rbdw/img0", "EIO");
        }
    }

    @Test
    void shouldRefuseMoreBytesThanItAskedFor() throws Exception {
        try (FakeBroker broker = new FakeBroker();
                NativeProgram program = tool(broker)) {
            broker.awaitHello();
            broker.welcome();
            broker.open();
            broker.respond(broker.awaitRequest(), 101);
            program.await().expectFailure("response is not well formed", "EPROTO");
        }
    }

    @Test
    void shouldRefuseResponseToRequestThatItDidNotMake() throws Exception {
        try (FakeBroker broker = new FakeBroker();
                NativeProgram program = tool(broker)) {
            broker.awaitHello();
            broker.welcome();
            broker.open();
            broker.respond(broker.awaitRequest() + 1, 100);
            program.await().expectFailure("response is not well formed", "EPROTO");
        }
    }

    @Test
    void shouldFailAllThreadsWhenBrokerStops() throws Exception {
        int threads = 12;
        NativeProgram program;
        try (TestBroker broker = TestBroker.start("memory")) {
            String path;
            try (BrokerAdmin admin =
                    BrokerAdmin.connect(
                            "test", ControlConnection.connect(List.of(broker.runDir())))) {
                admin.create("gone", 1024 * 1024);
                path = admin.map(MapRequest.of("gone"));
            }
            program =
                    NativeProgram.start(
                            broker.runDir(),
                            Map.of(PATIENCE, "0.3"),
                            new byte[0],
                            "rbdw_scenario",
                            "until-gone",
                            path,
                            Integer.toString(threads));
            program.awaitLine("ready"); // it ends with the broker, whatever happens here
        }
        try (program) {
            List<String> lines = program.await().expectSuccess().text().lines().toList();
            assertEquals(Collections.nCopies(threads, GONE), lines.subList(1, lines.size()));
        }
    }

    private static NativeProgram tool(FakeBroker broker) throws Exception {
        return NativeProgram.start(
                broker.runDir(),
                Map.of(PATIENCE, "0"),
                new byte[0],
                "rbdw_tool",
                "read",
                "/rbdw/img0",
                "0",
                "100");
    }
}
