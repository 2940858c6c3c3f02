package org.rbdwrapper.adm;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.rbdwrapper.adm.Outcome.assertFailure;
import static org.rbdwrapper.adm.Outcome.ok;

import com.google.gson.JsonParser;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.rbdwrapper.broker.ProcessStart;
import org.rbdwrapper.broker.testing.JavaProcess;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** How a broker begins and ends, where that is not the usual way. */
final class BrokerLifecycleSystemTest {
    private Installed rbdw;

    @BeforeEach
    void makeFolders() throws Exception {
        rbdw = new Installed();
    }

    @AfterEach
    void stopBroker() throws Exception {
        rbdw.close();
    }

    @Test
    void shouldSayThatNoneRunsBeforeFirstStart() throws Exception {
        Installed.Result status = rbdw.broker("status", "--format", "json");
        assertEquals(3, status.code());
        assertFalse(
                JsonParser.parseString(status.out())
                        .getAsJsonObject()
                        .get("running")
                        .getAsBoolean());
        assertFalse(Files.exists(rbdw.runDir()), "a question makes no folder");
    }

    @Test
    void shouldStartByRestartWhereNoneRan() throws Exception {
        assertTrue(ok(rbdw.broker("restart")).contains("broker.log"));
        long first = rbdw.brokerProcess().orElseThrow().pid();
        ok(rbdw.broker("restart"));
        long second = rbdw.brokerProcess().orElseThrow().pid();
        assertFalse(first == second);
        assertEquals("", ProcessStart.timeOf(first)); // whoever reaps it
        assertEquals(0, rbdw.broker("status").code());
    }

    @Test
    void shouldEndForegroundBrokerCleanlyBySigterm() throws Exception {
        Path out = rbdw.folder.resolve("out");
        Path err = rbdw.folder.resolve("err");
        Process foreground =
                rbdw.launch(List.of(), out, err, "rbdwrapper-broker", "start", "--foreground");
        try {
            await(() -> Files.readString(out).startsWith("ready"));
            assertTrue(Files.readString(out).contains(rbdw.stateDir().toString()));
            ok(rbdw.adm("create", "img", "--size", "1M"));
            ok(rbdw.adm("map", "img"));
            // the launcher becomes the broker: no shell is between a supervisor and it
            assertEquals(foreground.pid(), rbdw.brokerProcess().orElseThrow().pid());
            foreground.destroy();
            assertTrue(foreground.waitFor(30, TimeUnit.SECONDS));
        } finally {
            foreground.destroyForcibly().waitFor();
        }
        assertEquals(0, foreground.exitValue(), Files.readString(err));
        assertEquals(List.of(".lock"), List.of(rbdw.runDir().toFile().list()));
        ok(rbdw.broker("start"));
        assertTrue(ok(rbdw.adm("showmapped")).contains("/rbdw/img"));
    }

    @Test
    void shouldStopWhileImageIsOpen() throws Exception {
        ok(rbdw.broker("start"));
        ok(rbdw.adm("create", "img", "--size", "1M"));
        ok(rbdw.adm("map", "img"));
        try (JavaProcess holder =
                JavaProcess.start(
                        Map.of(), ImageHolder.class, rbdw.runDir().toString(), "/rbdw/img")) {
            holder.awaitLine("open");
            ok(rbdw.broker("stop"));
            assertEquals(3, rbdw.broker("status").code());
        }
        ok(rbdw.broker("start"));
        ok(rbdw.adm("unmap", "img"));
        ok(rbdw.adm("rm", "img"));
    }

    @Test
    void shouldRunOneOfSeveralStartedAtOnce() throws Exception {
        List<Process> starts = new ArrayList<>();
        List<Path> errors = new ArrayList<>();
        for (int i = 0; i < 3; i++) {
            errors.add(rbdw.folder.resolve("err" + i));
            starts.add(
                    rbdw.launch(
                            List.of(),
                            rbdw.folder.resolve("out" + i),
                            errors.get(i),
                            "rbdwrapper-broker",
                            "start"));
        }
        int started = 0;
        for (int i = 0; i < starts.size(); i++) {
            assertTrue(starts.get(i).waitFor(60, TimeUnit.SECONDS));
            String err = Files.readString(errors.get(i));
            if (starts.get(i).exitValue() == 0) {
                started++;
            } else {
                assertEquals(1, err.lines().count(), err);
                assertTrue(err.contains("EBUSY"), err);
            }
        }
        assertEquals(1, started);
        assertEquals(0, rbdw.broker("status").code());
        ok(rbdw.adm("showmapped"));
        assertEquals(1, rbdw.leftRunning().size());
    }

    @Test
    void shouldLeaveNothingBehindWhereRunDirectoryIsTooLongForSocket() throws Exception {
        Path longDir = rbdw.folder.resolve("d".repeat(110));
        assertFailure(
                1,
                rbdw.broker("start", "--run-dir", longDir.toString()),
                "d".repeat(110),
                "ENAMETOOLONG|EINVAL");
        assertEquals(List.of(), rbdw.leftRunning());
        ok(rbdw.broker("start"));
    }

    @Test
    void shouldRefuseBadOptionsBeforeAnythingIsMade() throws Exception {
        assertFailure(2, rbdw.broker("start", "--store", "floppy"), "--store", "floppy");
        assertFailure(2, rbdw.broker("start", "--messengers", "many"), "--messengers", "many");
        assertFailure(2, rbdw.broker("start", "--max-messengers", "-1"), "'-1'");
        assertFailure(2, rbdw.broker("start", "--bogus"), "--bogus");
        assertFailure(2, rbdw.broker("start", "extra"), "extra");
        assertFailure(2, rbdw.broker("start", "--config", "/no/such"), "/no/such");
        assertFailure(2, rbdw.broker("status", "--format", "yaml"), "yaml");
        assertFailure(2, rbdw.broker("bogus"), "bogus");
        assertFailure(2, rbdw.broker(), "start");
        assertFalse(Files.exists(rbdw.runDir()));
        assertFalse(Files.exists(rbdw.stateDir()));
        assertEquals(List.of(), rbdw.leftRunning());
    }

    private interface Condition {
        boolean holds() throws IOException;
    }

    private static void await(Condition condition) throws IOException, InterruptedException {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(30);
        while (!condition.holds()) {
            assertTrue(System.nanoTime() < deadline, "does not happen within 30 s");
            Thread.sleep(20);
        }
    }
}
