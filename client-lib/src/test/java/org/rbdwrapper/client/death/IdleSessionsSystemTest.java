package org.rbdwrapper.client.death;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.rbdwrapper.broker.testing.JavaProcess;

import java.util.Map;

/** What is left of a program's sessions when it has closed its files. */
@Timeout(200)
final class IdleSessionsSystemTest {
    private static final int LIMIT_SECONDS = 120;

    private BrokerProcess broker;
    private String path;

    @BeforeEach
    void start() throws Exception {
        broker = BrokerProcess.start("--store", "file");
        path = broker.createAndMap("img", 4 << 20);
    }

    @AfterEach
    void stop() throws Exception {
        broker.close();
    }

    @Test
    void shouldEndSomeSecondsAfterTheLastFile() throws Exception {
        run("end");
    }

    @Test
    void shouldServeTheNextFileAndStayAsLongAsOneIsOpen() throws Exception {
        run("reuse");
    }

    @Test
    void shouldStayAsLongAsThereAreBuffersInTheirMemory() throws Exception {
        run("keepBuffers");
    }

    @Test
    void shouldKeepNoClassLoaderOfAProgramThatHasClosedItsFiles() throws Exception {
        run("leaveLoaders");
    }

    @Test
    void shouldEndAlsoWhereTheBrokerIsGone() throws Exception {
        try (JavaProcess program = begin("endWithoutBroker")) {
            program.awaitLine("in use");
            broker.kill();
            program.process().getOutputStream().write('\n');
            program.process().getOutputStream().flush();
            program.awaitLine("without a broker");
            broker.startAgain();
            program.awaitSuccess(LIMIT_SECONDS);
            assertEquals(0, broker.awaitSteadyHoldings().get("sessions noted"));
        }
    }

    private void run(String what) throws Exception {
        try (JavaProcess program = begin(what)) {
            program.awaitSuccess(LIMIT_SECONDS);
        }
    }

    private JavaProcess begin(String what) throws Exception {
        return JavaProcess.start(
                Map.of(), IdleSessionsClient.class, what, broker.runDir().toString(), path);
    }
}
