package org.rbdwrapper.client.death;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.rbdwrapper.broker.testing.JavaProcess;
import org.rbdwrapper.client.ReadingClient;
import org.rbdwrapper.client.admin.BrokerAdmin;
import org.rbdwrapper.ipc.Errno;

import java.io.IOException;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/**
 * {@code RBDW_RECONNECT_TIMEOUT}, for programs with an open file whose broker is killed; that of
 * librbdw is tested in {@code LibrbdwFailureTest}.
 */
final class ReconnectTimeoutSystemTest {
    private static final String VARIABLE = "RBDW_RECONNECT_TIMEOUT";
    private static final int LIMIT_SECONDS = 60;

    /** Reads until told to end by a line; then once more. */
    private static final String READS =
            """
            import os, sys
            image = os.open(sys.argv[1], os.O_RDONLY)
            assert len(os.pread(image, 512, 0)) == 512
            print("reading", flush=True)
            sys.stdin.readline()
            try:
                assert len(os.pread(image, 512, 0)) == 512
            except OSError as e:
                sys.exit(e.errno)
            """;

    private BrokerProcess broker;
    private String path;

    @BeforeEach
    void startBroker() throws Exception {
        broker = BrokerProcess.start("--store", "file");
        path = broker.createAndMap("img", 1 << 20);
    }

    @AfterEach
    void stopBroker() throws Exception {
        broker.close();
    }

    @Test
    void shouldFailFileOfJavaWhoseBrokerDoesNotComeInTime() throws Exception {
        try (JavaProcess program = readInJava("0.5")) {
            broker.kill();
            assertTrue(program.process().waitFor(LIMIT_SECONDS, TimeUnit.SECONDS));
            assertTrue(program.output().contains("ENOTCONN"), program.output());
            assertTrue(program.output().contains(path + ": the broker has gone"), program.output());
            assertFalse(program.output().contains(" of " + path + ": "), program.output());
        }
        broker.startAgain();
    }

    @Test
    void shouldGoOnInJavaWhereBrokerComesInTime() throws Exception {
        try (JavaProcess program = readInJava("60")) {
            broker.kill();
            broker.startAgain();
            assertTrue(!program.process().waitFor(2, TimeUnit.SECONDS), program.output());
        }
    }

    @Test
    void shouldFailFileUnderPreloadWhoseBrokerDoesNotComeInTime() throws Exception {
        Process program = readUnderPreload("0.5");
        try {
            broker.kill();
            assertEquals(Errno.ENOTCONN.number(), readAgain(program));
        } finally {
            program.destroyForcibly();
        }
        broker.startAgain();
    }

    @Test
    void shouldGoOnUnderPreloadWhereBrokerComesInTime() throws Exception {
        Process program = readUnderPreload("60");
        try {
            broker.kill();
            broker.startAgain();
            assertEquals(0, readAgain(program));
        } finally {
            program.destroyForcibly();
        }
    }

    /** It has nothing open any more, and the broker that comes later hears of that. */
    @Test
    void shouldUnmapWhatAJavaProgramHasGivenUp() throws Exception {
        try (JavaProcess program = readInJava("0.5", "stay")) {
            broker.kill();
            program.awaitLine("failed");
            broker.startAgain();
            try (BrokerAdmin admin = broker.admin()) {
                admin.unmap(path, false);
            }
            assertTrue(program.process().isAlive());
        }
    }

    private JavaProcess readInJava(String timeout, String... more) throws Exception {
        String[] arguments =
                Stream.concat(Stream.of(broker.runDir().toString(), path), Stream.of(more))
                        .toArray(String[]::new);
        JavaProcess program =
                JavaProcess.start(Map.of(VARIABLE, timeout), ReadingClient.class, arguments);
        program.awaitLine("reading");
        return program;
    }

    private Process readUnderPreload(String timeout) throws IOException {
        Process program =
                PreloadedPython.start(broker.runDir(), READS, path, Map.of(VARIABLE, timeout));
        assertEquals('r', program.getInputStream().read());
        return program;
    }

    /** Exit code. */
    private static int readAgain(Process program) throws Exception {
        program.getOutputStream().close();
        assertTrue(program.waitFor(LIMIT_SECONDS, TimeUnit.SECONDS));
        return program.exitValue();
    }
}
