package org.rbdwrapper.adm;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;
import static org.rbdwrapper.adm.Outcome.assertFailure;
import static org.rbdwrapper.adm.Outcome.ok;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * A broker in a PID namespace of its own, as in a container: it cannot see its clients' processes.
 */
final class ContainerSystemTest {
    private static final List<String> CONTAINER =
            List.of("unshare", "--pid", "--fork", "--mount-proc", "--kill-child");

    /** Of users, PIDs, the network and all others; without any right on the host. */
    private static final List<String> ISOLATED =
            List.of("unshare", "--map-root-user", "-pfmniu", "--mount-proc", "--kill-child");

    private static final String PYTHON = "/usr/bin/python3";

    /** Reads, waits for a line, writes and reads. */
    private static final String PROGRAM =
            """
            import os, sys
            image = os.open(sys.argv[1], os.O_RDWR)
            assert os.pread(image, 3, 0) == bytes(3)
            print("has read", flush=True)
            sys.stdin.readline()
            assert os.pwrite(image, b"new", 0) == 3
            assert os.pread(image, 3, 0) == b"new"
            """;

    private Installed rbdw;
    private Process container;

    @BeforeEach
    void startBroker() throws Exception {
        assumeTrue(canRun(CONTAINER), "no PID namespace can be made here");
        rbdw = new Installed();
        startContainer();
        ok(rbdw.adm("create", "img", "--size", "1M"));
        ok(rbdw.adm("map", "img"));
    }

    @AfterEach
    void stopBroker() throws Exception {
        if (rbdw != null) {
            endContainer();
            rbdw.close();
        }
    }

    @Test
    void shouldServeProgramsThatItCannotSeeAndTheirNextBrokerToo() throws Exception {
        assumeTrue(Files.isExecutable(Path.of(PYTHON)), "python3 is not installed");
        Path out = Files.createFile(rbdw.folder.resolve("program.out"));
        Process program =
                rbdw.launch(
                        List.of(), out, out, "rbdwrapper-run", PYTHON, "-c", PROGRAM, "/rbdw/img");
        try {
            await(out, "has read", program);
            endContainer();
            startContainer();
            program.getOutputStream().close();
            assertTrue(program.waitFor(60, TimeUnit.SECONDS));
            assertEquals(0, program.exitValue(), () -> text(out));
        } finally {
            program.destroyForcibly();
        }
    }

    @Test
    void shouldServeProgramWithAllNamespacesOfItsOwn() throws Exception {
        assumeTrue(canRun(ISOLATED), "no user namespace can be made here");
        Path written = Files.writeString(rbdw.folder.resolve("written"), "from a container");
        ok(
                rbdw.run(
                        ISOLATED,
                        "rbdwrapper-run",
                        "dd",
                        "if=" + written,
                        "of=/rbdw/img",
                        "conv=notrunc,fsync",
                        "status=none"));
        assertEquals(
                "from a container",
                ok(rbdw.run(List.of(), "rbdwrapper-run", "head", "-c", "16", "/rbdw/img")));
    }

    @Test
    void shouldSayThatItCannotBeStoppedFromAnotherContainer() throws Exception {
        assertFailure(
                1, rbdw.run(CONTAINER, "rbdwrapper-broker", "stop"), "PID namespace", "ESRCH");
        ok(rbdw.broker("status"));
    }

    private static boolean canRun(List<String> prefix) throws Exception {
        List<String> attempt = new ArrayList<>(prefix);
        attempt.add("true");
        return new ProcessBuilder(attempt).start().waitFor() == 0;
    }

    private void startContainer() throws Exception {
        container = rbdw.startForeground(CONTAINER, "file");
    }

    /** As a container's runtime does, by SIGKILL. */
    private void endContainer() throws Exception {
        container.destroyForcibly();
        assertTrue(container.waitFor(60, TimeUnit.SECONDS));
    }

    private static void await(Path output, String text, Process process) throws Exception {
        while (!text(output).contains(text)) {
            assertTrue(process.isAlive(), () -> text(output));
            Thread.sleep(20);
        }
    }

    private static String text(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException e) {
            return e.toString();
        }
    }
}
