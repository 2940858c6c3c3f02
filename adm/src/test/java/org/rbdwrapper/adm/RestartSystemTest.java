package org.rbdwrapper.adm;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;
import static org.rbdwrapper.adm.Outcome.assertFailure;
import static org.rbdwrapper.adm.Outcome.ok;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** {@code restart}, as the one who upgrades a host types it. */
final class RestartSystemTest {
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
    void shouldStartAsTheOneBeforeWasStarted() throws Exception {
        ok(rbdw.broker("start", "--store", "memory", "--messengers", "shared:2"));
        ok(rbdw.broker("restart"));
        assertBroker("memory", "shared:2");
        ok(rbdw.broker("restart", "--messengers", "per-image"));
        assertBroker("memory", "per-image");
        ok(rbdw.broker("restart"));
        assertBroker("memory", "per-image");
    }

    @Test
    void shouldStartAsTheOneThatWasKilled() throws Exception {
        ok(rbdw.broker("start", "--store", "memory"));
        ProcessHandle broker = rbdw.brokerProcess().orElseThrow();
        broker.destroyForcibly();
        broker.onExit().get(30, TimeUnit.SECONDS);
        ok(rbdw.broker("restart"));
        assertBroker("memory", "per-client");
    }

    /** Whose process is still to be seen when it has ended. */
    @Test
    void shouldReplaceAndStopBrokerWhoseParentNeverReapsIt() throws Exception {
        Process parent =
                rbdw.startForeground(
                        List.of("sh", "-c", "\"$@\" & exec sleep 600", "sh"), "memory");
        try {
            long pid = status().get("pid").getAsLong();
            ok(rbdw.broker("restart"));
            assertNotEquals(pid, status().get("pid").getAsLong());
            assertTrue(Files.readString(Path.of("/proc/" + pid + "/status")).contains("zombie"));
        } finally {
            parent.destroyForcibly();
        }
    }

    @Test
    void shouldLetAdministrationWaitForTheNextBroker() throws Exception {
        ok(rbdw.broker("start"));
        ok(rbdw.adm("create", "img", "--size", "1M"));
        ok(rbdw.broker("stop", "--for-restart"));
        Path out = rbdw.folder.resolve("adm.out");
        Process adm = rbdw.launch(List.of(), out, out, "rbdwrapper-adm", "map", "img");
        try {
            assertFalse(adm.waitFor(2, TimeUnit.SECONDS), () -> "it did not wait");
            ok(rbdw.broker("start"));
            assertTrue(adm.waitFor(30, TimeUnit.SECONDS));
            assertEquals("/rbdw/img", Files.readString(out).strip());
            assertEquals(0, adm.exitValue());
        } finally {
            adm.destroyForcibly();
        }
    }

    /** Also a short command, which is run without picocli. */
    @Test
    void shouldSayOnATerminalThatAdministrationWaits() throws Exception {
        assumeTrue(Files.isExecutable(Path.of("/usr/bin/script")), "script is not installed");
        ok(rbdw.broker("start"));
        ok(rbdw.broker("stop", "--for-restart"));
        for (String command : List.of("showmapped", "showmapped --format json")) {
            Installed.Result result =
                    rbdw.typed(
                            rbdw.folder,
                            "RBDW_RECONNECT_TIMEOUT=2 script -qec 'rbdwrapper-adm "
                                    + command
                                    + "' /dev/null </dev/null");
            assertEquals(1, result.code());
            List<String> lines = result.out().lines().toList();
            assertEquals(2, lines.size(), result.out());
            assertTrue(lines.get(0).contains("waiting for the next one"), result.out());
            assertTrue(lines.get(1).contains("ECONNREFUSED"), result.out());
        }
    }

    @Test
    void shouldNotLetAdministrationWaitForABrokerThatDoesNotCome() throws Exception {
        ok(rbdw.broker("start", "--store", "memory"));
        ok(rbdw.broker("stop", "--for-restart"));
        assertFailure(1, rbdw.adm("showmapped"), "rbdwrapper-broker start", "ECONNREFUSED");
        ok(rbdw.broker("start", "--store", "memory"));
    }

    @Test
    void shouldReadConfigFileOfTheOneBeforeAnew() throws Exception {
        Path config = rbdw.folder.resolve("broker.conf");
        Files.writeString(config, "store=memory\nmessengers=shared:2\n");
        ok(rbdw.broker("start", "--config", config.toString(), "--max-messengers", "3"));
        Files.writeString(config, "store=memory\nmessengers=shared:3\n");
        ok(rbdw.broker("restart"));
        assertBroker("memory", "shared:3");
        Files.writeString(config, "messengers=auto\n");
        ok(rbdw.broker("restart", "--config", config.toString()));
        assertBroker("file:" + rbdw.stateDir().resolve("images"), "auto");
    }

    @Test
    void shouldForgetOptionsWhereBrokerWasStopped() throws Exception {
        ok(rbdw.broker("start", "--store", "memory"));
        ok(rbdw.broker("stop"));
        assertEquals(List.of(".lock"), List.of(rbdw.runDir().toFile().list()));
        ok(rbdw.broker("restart"));
        assertBroker("file:" + rbdw.stateDir().resolve("images"), "per-client");
    }

    @Test
    void shouldLeaveRunningBrokerAloneWhereNextCannotComeUp() throws Exception {
        ok(rbdw.broker("start", "--store", "memory"));
        ok(rbdw.adm("create", "img", "--size", "1M"));
        long pid = status().get("pid").getAsLong();
        assertFailure(
                1,
                rbdw.broker("restart", "--store", "ceph:" + rbdw.folder.resolve("none.conf")),
                "none.conf",
                "the broker that is running goes on");
        assertEquals(pid, status().get("pid").getAsLong());
        assertEquals("img", ok(rbdw.adm("ls")).strip());
        ok(rbdw.broker("restart"));
        assertNotEquals(pid, status().get("pid").getAsLong());
        assertBroker("memory", "per-client");
    }

    @Test
    void shouldSayInOneLineThatWhatItWasStartedWithIsDamaged() throws Exception {
        ok(rbdw.broker("start", "--store", "memory"));
        long pid = status().get("pid").getAsLong();
        Files.writeString(rbdw.runDir().resolve("broker.options"), "store=\\u00zz\n");
        assertFailure(1, rbdw.broker("restart"), "broker.options is damaged", "EIO");
        assertEquals(pid, status().get("pid").getAsLong());
    }

    private void assertBroker(String store, String policy) throws Exception {
        JsonObject status = status();
        assertEquals(store, status.get("store").getAsString());
        assertEquals(policy, status.get("policy").getAsString());
    }

    private JsonObject status() throws Exception {
        return JsonParser.parseString(ok(rbdw.broker("status", "--format", "json")))
                .getAsJsonObject();
    }
}
