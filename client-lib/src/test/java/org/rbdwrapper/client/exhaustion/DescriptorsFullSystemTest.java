package org.rbdwrapper.client.exhaustion;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.rbdwrapper.broker.testing.JavaProcess;
import org.rbdwrapper.client.RbdFile;
import org.rbdwrapper.client.admin.BrokerAdmin;
import org.rbdwrapper.client.nativelib.NativeProgram;
import org.rbdwrapper.ipc.Errno;
import org.rbdwrapper.ipc.ErrnoException;
import org.rbdwrapper.ipc.IoErrors;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Map;

/** Tables of descriptors that are full: the broker's and its clients'. */
final class DescriptorsFullSystemTest {
    private static final int MIB = 1024 * 1024;
    private static final int PLENTY = 4096;

    private RealBroker broker;
    private String first;
    private String second;

    @BeforeEach
    void start() throws Exception {
        broker = RealBroker.start("--max-messengers", "1");
        try (BrokerAdmin admin = broker.admin()) {
            first = broker.image(admin, "first", MIB);
            second = broker.image(admin, "second", MIB);
            RealBroker.map(admin, "first", "again");
        }
    }

    @AfterEach
    void stop() throws Exception {
        if (broker != null) {
            broker.close();
        }
    }

    @Test
    void shouldServeWhoIsThereAndTellOthersWhereTheBrokersTableIsFull() throws Exception {
        try (RbdFile file = RbdFile.openAt(broker.runDir(), first);
                BrokerAdmin admin = broker.admin()) {
            RbdFile.openAt(broker.runDir(), second).close();
            Client.connect(broker.runDir()).close();
            int before = awaitDescriptors(0);
            int refusals = 0;
            for (int left = 0; left < 8; left++) {
                broker.limit("--nofile=" + broker.numbersWith(left) + ":");
                refusals += isRefused() ? 1 : 0;
                file.write(ByteBuffer.allocate(200_000), 0);
                file.force();
                file.read(ByteBuffer.allocate(4096), 0);
                if (left == 0) {
                    IOException full =
                            assertThrows(
                                    IOException.class,
                                    () -> RbdFile.openAt(broker.runDir(), second));
                    assertEquals(Errno.EMFILE, IoErrors.errno(full), full.getMessage());
                    ErrnoException map =
                            assertThrows(
                                    ErrnoException.class,
                                    () -> RealBroker.map(admin, "second", "more"));
                    assertEquals(Errno.EMFILE, map.errno(), map.what());
                    assertEquals(
                            Errno.EMFILE,
                            assertThrows(ErrnoException.class, () -> admin.create("x", MIB))
                                    .errno());
                    admin.unmap("/rbdw/again", false); // the journal is open
                    assertEquals(2, admin.mappings().size());
                }
                broker.limit("--nofile=" + PLENTY + ":");
                assertFalse(isRefused());
                assertEquals(
                        before, awaitDescriptors(before), "descriptors, of which left " + left);
            }
            assertTrue(refusals >= 3, refusals + " refusals");
            assertTrue(broker.logged("cannot be let in") <= 3, broker.output());
            RbdFile.openAt(broker.runDir(), second).close();
            RealBroker.map(admin, "second", "more");
            admin.create("x", MIB);
        }
    }

    @Test
    void shouldTellProgramWhoseTableIsFull() throws Exception {
        String preload = NativeProgram.FOLDER.resolve("librbdwrapper.so").toString();
        assertEndsWell("exec " + NativeProgram.FOLDER.resolve("rbdw_tool") + " size " + first);
        assertEndsWell(
                "LD_PRELOAD="
                        + preload
                        + " exec dd if="
                        + first
                        + " of=/dev/null bs=4096 count=1 status=none");
    }

    @Test
    void shouldTellJavaProgramWhoseTableIsFullAndServeItWhenThereIsRoom() throws Exception {
        try (JavaProcess client =
                JavaProcess.start(
                        Map.of(), OpeningClient.class, broker.runDir().toString(), first)) {
            client.awaitLine("0 opened");
            int failures = 0;
            int round = 0;
            for (int left = 0; left < 4; left++) {
                limit(client, RealBroker.numbersWith(client.process().pid(), left));
                failures += ask(client, ++round).contains("failed EMFILE") ? 1 : 0;
                limit(client, PLENTY);
                assertEquals(++round + " opened", ask(client, round));
            }
            assertTrue(failures >= 2, client.output());
        }
    }

    /** Whatever the limit is: it does what it should, or says that it is the limit. */
    private void assertEndsWell(String command) throws Exception {
        int refusals = 0;
        int successes = 0;
        for (int limit = 4; limit <= 16; limit += 1) {
            try (NativeProgram program =
                    NativeProgram.start(
                            broker.runDir(),
                            Map.of(),
                            new byte[0],
                            "/bin/sh",
                            "-c",
                            "ulimit -n " + limit + "; " + command)) {
                NativeProgram.Result result = program.await(60);
                if (result.exitCode() == 0) {
                    successes++;
                } else if (!result.errors().contains("shared libraries")) {
                    assertEquals(1, result.exitCode(), result.errors());
                    assertTrue(
                            result.errors().contains("EMFILE")
                                    || result.errors().contains("oo many open files"),
                            limit + ": " + result.errors());
                    refusals++;
                }
            }
        }
        assertTrue(refusals >= 2, refusals + " refusals of " + command);
        assertTrue(successes >= 2, successes + " successes of " + command);
    }

    private boolean isRefused() throws Exception {
        try {
            Client.connect(broker.runDir()).close();
            return false;
        } catch (ErrnoException e) {
            assertEquals(Errno.EMFILE, e.errno(), e.what());
            return true;
        }
    }

    /** When they are so many, or have not changed for a while. */
    private int awaitDescriptors(int wanted) throws Exception {
        int last = -1;
        for (int i = 0, same = 0; i < 500 && same < 20; i++) {
            int now = broker.descriptors();
            if (now == wanted) {
                return now;
            }
            same = now == last ? same + 1 : 0;
            last = now;
            Thread.sleep(20);
        }
        return last;
    }

    private static void limit(JavaProcess client, int limit) throws Exception {
        String pid = Long.toString(client.process().pid());
        new ProcessBuilder("prlimit", "--pid", pid, "--nofile=" + limit + ":").start().waitFor();
    }

    private static String ask(JavaProcess client, int round) throws Exception {
        client.process().getOutputStream().write("\n".getBytes(StandardCharsets.US_ASCII));
        client.process().getOutputStream().flush();
        client.awaitLine(round + " ");
        return client.output()
                .lines()
                .filter(line -> line.startsWith(round + " "))
                .findFirst()
                .orElseThrow();
    }
}
