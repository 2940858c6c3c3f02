package org.rbdwrapper.client.death;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.rbdwrapper.client.RbdFile;
import org.rbdwrapper.client.admin.BrokerAdmin;
import org.rbdwrapper.client.admin.MapRequest;

import java.io.BufferedReader;
import java.nio.ByteBuffer;
import java.util.Map;

/** Jobs that have one image open very often, and end all at once. */
@Timeout(300)
final class ManyOpensSystemTest {
    /** Children that open it so often each; they end as they are told, while another opens it. */
    private static final String JOB =
            """
            import os, resource, signal, sys
            path, children, opens, how = sys.argv[1].split(":")
            hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
            resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 4096), hard))
            ready_end, ready = os.pipe()
            go, go_end = os.pipe()
            pids = []
            for child in range(int(children)):
                pid = os.fork()
                if pid == 0:
                    os.close(go_end)
                    for i in range(int(opens)):
                        image = os.open(path, os.O_RDONLY)
                    os.write(ready, b"x")
                    os.read(go, 1)  # until the other end is closed
                    os._exit(0)
                pids.append(pid)
            missing = len(pids)
            while missing > 0:
                missing -= len(os.read(ready_end, 4096))
            print("open", flush=True)
            sys.stdin.readline()
            # all ends wait behind an open that has them all move
            writer = os.fork()
            if writer == 0:
                os.open(path, os.O_RDWR)
                os._exit(0)
            if how == "kill":
                for pid in pids:
                    os.kill(pid, signal.SIGKILL)
            else:
                os.close(go_end)
            for pid in pids + [writer]:
                os.waitpid(pid, 0)
            print("gone", flush=True)
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
    void shouldServeAnImageThatManyProcessesHadOpenOftenWhenTheyWereKilled() throws Exception {
        assertUsableAfter(200, 20, "kill");
    }

    @Test
    void shouldServeAnImageThatProcessesHadOpenAThousandTimesWhenTheyExit() throws Exception {
        assertUsableAfter(4, 1000, "exit");
    }

    private void assertUsableAfter(int children, int opens, String how) throws Exception {
        String arguments = path + ":" + children + ":" + opens + ":" + how;
        Process job = PreloadedPython.start(broker.runDir(), JOB, arguments, Map.of());
        try {
            BufferedReader output = job.inputReader();
            assertEquals("open", output.readLine());
            job.outputWriter().append('\n').flush();
            assertEquals("gone", output.readLine());
            assertEquals(0, job.waitFor());
        } finally {
            job.descendants().forEach(ProcessHandle::destroyForcibly);
            job.destroyForcibly();
        }
        try (RbdFile file = RbdFile.openAt(broker.runDir(), path)) {
            assertEquals(1, file.write(ByteBuffer.wrap(new byte[] {1}), 0));
        }
        try (BrokerAdmin admin = broker.admin()) {
            admin.unmap(path, true);
            admin.remove("img", (done, total) -> {}); // it is open nowhere any more
            admin.create("img", 1 << 20);
            assertEquals(path, admin.map(MapRequest.of("img")));
        }
    }
}
