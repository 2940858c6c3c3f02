package org.rbdwrapper.broker.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.rbdwrapper.broker.testing.JavaProcess;
import org.rbdwrapper.ipc.Errno;
import org.rbdwrapper.ipc.ErrnoException;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;

/** What {@code stop} and {@code status} do with a broker that is there and does nothing. */
final class UnresponsiveBrokerSystemTest {
    private static final long SHORT_NANOS = 300_000_000;

    @TempDir private Path folder;
    private Path runDir;
    private JavaProcess broker;

    @BeforeEach
    void startBroker() throws Exception {
        runDir = Files.createTempDirectory("rbdw-"); // short, as a socket's path must be
        broker =
                JavaProcess.start(
                        Map.of(),
                        BrokerMain.class,
                        "start",
                        "--foreground",
                        "--store",
                        "memory",
                        "--run-dir",
                        runDir.toString(),
                        "--state-dir",
                        folder.toString());
        broker.awaitLine("ready");
    }

    @AfterEach
    void stopBroker() throws Exception {
        broker.thaw();
        broker.process().destroy();
        assertEquals(0, broker.process().onExit().get().exitValue());
        broker.close();
        Files.delete(runDir.resolve(".lock"));
        Files.delete(runDir);
    }

    @Test
    void shouldGiveUpBrokerThatDoesNotEnd() throws Exception {
        broker.freeze();
        try (RunningBroker running = RunningBroker.find(runDir).orElseThrow()) {
            assertFalse(running.stop(Duration.ofNanos(SHORT_NANOS)));
            broker.thaw();
            assertTrue(running.stop(StopCommand.TIMEOUT)); // in time
        }
    }

    @Test
    void shouldGiveUpBrokerThatDoesNotAnswer() throws Exception {
        broker.freeze();
        try (RunningBroker running = RunningBroker.find(runDir, SHORT_NANOS).orElseThrow()) {
            ErrnoException e =
                    assertThrows(ErrnoException.class, () -> running.describe(b -> b.mappings()));
            assertEquals(Errno.ETIMEDOUT, e.errno(), e.describe());
        }
        broker.thaw();
        try (RunningBroker running = RunningBroker.find(runDir).orElseThrow()) {
            assertEquals(0, running.describe(b -> (int) b.mappings()).intValue()); // in time
        }
    }
}
