package org.rbdwrapper.broker;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import org.junit.jupiter.api.Test;
import org.rbdwrapper.broker.testing.UnreapedProcess;

import java.nio.file.Files;
import java.nio.file.Path;

/** Who counts as there. */
final class ProcessStartTest {
    private static final Path PYTHON = Path.of("/usr/bin/python3");

    @Test
    void shouldTellTimeOfThisProcess() throws Exception {
        long pid = ProcessHandle.current().pid();
        assertNotEquals("", ProcessStart.timeOf(pid));
        assertEquals(ProcessStart.readTimeOf(pid), ProcessStart.timeOf(pid));
    }

    @Test
    void shouldTakeOneThatNobodyHasReapedForEnded() throws Exception {
        try (UnreapedProcess ended = UnreapedProcess.start()) {
            assertEquals("", ProcessStart.timeOf(ended.pid()));
            assertNotEquals("", ProcessStart.readTimeOf(ended.pid()));
        }
    }

    /** The kernel shows it in the same state as one that has ended. */
    @Test
    void shouldNotTakeOneWhoseFirstThreadHasEndedForEnded() throws Exception {
        assumeTrue(Files.isExecutable(PYTHON), "python3 is not installed");
        String program =
                """
                import ctypes, sys, threading
                threading.Thread(target=sys.stdin.read).start()
                ctypes.CDLL(None).pthread_exit(None)
                """;
        Process process = new ProcessBuilder(PYTHON.toString(), "-c", program).start();
        try {
            UnreapedProcess.awaitEndOfFirstThread(process.pid());
            assertNotEquals("", ProcessStart.timeOf(process.pid()));
        } finally {
            process.destroyForcibly();
        }
    }

    @Test
    void shouldTakeNumberOfNoProcessForEnded() {
        assertEquals("", ProcessStart.timeOf(Integer.MAX_VALUE));
    }
}
