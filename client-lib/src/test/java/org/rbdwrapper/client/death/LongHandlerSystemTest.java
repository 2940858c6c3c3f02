package org.rbdwrapper.client.death;

import org.junit.jupiter.api.Test;
import org.rbdwrapper.client.nativelib.NativeProgram;

import java.util.Map;

/**
 * A broker dies while a C program's thread is in a request, and a signal handler on that thread.
 */
final class LongHandlerSystemTest {
    @Test
    void shouldNotMakeOtherThreadsWaitForAHandler() throws Exception {
        try (BrokerProcess broker = BrokerProcess.start("--store", "file")) {
            String path = broker.createAndMap("img", 1 << 20);
            try (NativeProgram program =
                    NativeProgram.start(
                            broker.runDir(),
                            Map.of(),
                            new byte[0],
                            "rbdw_scenario",
                            "long-handler",
                            path)) {
                program.awaitLine("reading");
                broker.freeze();
                program.awaitLine("handling");
                broker.kill();
                broker.startAgain();
                program.await().expectSuccess();
            }
        }
    }
}
