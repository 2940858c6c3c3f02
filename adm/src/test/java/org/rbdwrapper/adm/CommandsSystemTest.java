package org.rbdwrapper.adm;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.rbdwrapper.adm.Outcome.assertFailure;
import static org.rbdwrapper.adm.Outcome.ok;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.rbdwrapper.broker.testing.JavaProcess;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;

import javax.xml.parsers.DocumentBuilderFactory;

/** The commands as a user types them, against a real broker. */
final class CommandsSystemTest {
    private Installed rbdw;

    @BeforeEach
    void startBroker() throws Exception {
        rbdw = new Installed();
        Installed.Result started = rbdw.broker("start");
        assertEquals(0, started.code(), started.err());
        assertTrue(
                started.out()
                        .contains(rbdw.stateDir().resolve("log").resolve("broker.log").toString()),
                started.out());
    }

    @AfterEach
    void stopBroker() throws Exception {
        rbdw.close();
    }

    @Test
    void shouldTellWhetherItRuns() throws Exception {
        Installed.Result status = rbdw.broker("status", "--format", "json");
        assertEquals(0, status.code());
        JsonObject json = JsonParser.parseString(status.out()).getAsJsonObject();
        assertTrue(json.get("running").getAsBoolean());
        assertEquals(rbdw.brokerProcess().orElseThrow().pid(), json.get("pid").getAsLong());
        assertFailure(1, rbdw.broker("start"), "already running", "EBUSY");
        assertEquals(0, rbdw.broker("stop").code());
        assertEquals(3, rbdw.broker("status").code());
        assertFailure(1, rbdw.broker("stop"), "no broker is running");
        assertFailure(1, rbdw.adm("showmapped"), "rbdwrapper-broker start", "ECONNREFUSED");
        assertEquals(
                Set.of(".lock"),
                Set.of(rbdw.runDir().toFile().list()),
                "what a stopped broker leaves");
    }

    @Test
    void shouldShowMappedAsRbdDoes() throws Exception {
        assertEquals("", ok(rbdw.adm("showmapped")));
        assertEquals("[]\n", ok(rbdw.adm("showmapped", "--format", "json")));
        ok(rbdw.adm("create", "img<0>", "--size", "1"));
        ok(rbdw.adm("map", "img<0>"));
        String plain = ok(rbdw.adm("showmapped"));
        assertEquals(
                List.of("id", "pool", "namespace", "image", "snap", "device"),
                List.of(plain.lines().findFirst().orElseThrow().split("\\s+")));
        JsonArray json =
                JsonParser.parseString(ok(rbdw.adm("showmapped", "--format", "json")))
                        .getAsJsonArray();
        assertEquals(
                JsonParser.parseString(
                        "[{\"id\":\"0\",\"pool\":\"rbd\",\"namespace\":\"\",\"name\":\"img<0>\",\"snap\":\"-\","
                            + "\"device\":\"/rbdw/img<0>\"}]"),
                json);
        String xml = ok(rbdw.adm("showmapped", "--format", "xml"));
        var devices =
                DocumentBuilderFactory.newInstance()
                        .newDocumentBuilder()
                        .parse(new ByteArrayInputStream(xml.getBytes(StandardCharsets.UTF_8)))
                        .getDocumentElement();
        assertEquals("devices", devices.getTagName());
        assertEquals("img<0>", devices.getElementsByTagName("name").item(0).getTextContent());
    }

    @Test
    void shouldRefuseBadInputInOneLineAndLeaveNoTrace() throws Exception {
        ok(rbdw.adm("create", "img", "--size", "1M"));
        ok(rbdw.adm("create", "uncached", "--size", "1M"));
        ok(rbdw.adm("map", "img"));
        String mapped = ok(rbdw.adm("showmapped"));
        String log = Files.readString(rbdw.stateDir().resolve("log").resolve("broker.log"));

        assertFailure(1, rbdw.adm("map", "missing"), "rbd/missing", "ENOENT");
        assertFailure(1, rbdw.adm("map", "nopool/img2"), "nopool", "ENOENT");
        assertFailure(1, rbdw.adm("map", "img@nosnap"), "img@nosnap", "ENOENT");
        assertFailure(
                1,
                rbdw.adm("map", "uncached", "-o", "cache=writeback"),
                "rbd/uncached",
                "cache=writeback",
                "EOPNOTSUPP");
        assertFailure(
                1,
                rbdw.adm("map", "uncached", "--io-timeout", "5"),
                "rbd/uncached",
                "io-timeout=5",
                "EOPNOTSUPP");
        assertFailure(
                1,
                rbdw.adm("map", "uncached", "--io-timeout", "soon"),
                "io-timeout=soon",
                "3600",
                "EINVAL");
        assertFailure(1, rbdw.adm("map", "img"), "/rbdw/img", "EEXIST");
        assertFailure(1, rbdw.adm("unmap", "/rbdw/missing"), "/rbdw/missing", "ENOENT");
        assertFailure(1, rbdw.adm("unmap", "missing"), "missing", "ENOENT");
        assertFailure(1, rbdw.adm("info", "missing"), "rbd/missing", "ENOENT");
        assertFailure(1, rbdw.adm("ls", "nopool"), "nopool", "ENOENT");
        assertFailure(1, rbdw.adm("rm", "img"), "/rbdw/img", "EBUSY");
        assertFailure(1, rbdw.adm("create", "img", "--size", "1M"), "rbd/img", "EEXIST");
        assertFailure(1, rbdw.adm("resize", "img", "--size", "512K"), "--allow-shrink", "EINVAL");
        for (String size : List.of("0", "-1", "", "4E", "1x")) {
            assertFailure(
                    2, rbdw.adm("create", "bad", "--size=" + size), "--size", "'" + size + "'");
        }
        assertFailure(1, rbdw.adm("create", "bad", "--size", "1000B"), "1000", "EINVAL");
        assertFailure(1, rbdw.adm("create", "bad", "--size", "1000P"), "ENOSPC|EFBIG|EINVAL");
        assertFailure(2, rbdw.adm("map", "img", "--as", "x", "--mode", "999"), "999");
        assertFailure(
                2, rbdw.adm("map", "img", "--as", "x", "--owner", "no-such-user"), "no-such-user");
        assertFailure(
                1, rbdw.adm("map", "img", "--as", "x", "-o", "speed=11"), "speed=11", "EINVAL");
        assertFailure(2, rbdw.adm("map"), "SPEC");
        assertFailure(2, rbdw.adm("map", "img", "--bogus"), "--bogus");
        assertFailure(2, rbdw.adm("bogus"), "bogus");
        assertFailure(2, rbdw.adm(), "--help");

        assertEquals(mapped, ok(rbdw.adm("showmapped")));
        assertEquals("img\nuncached\n", ok(rbdw.adm("ls")));
        assertEquals(log, Files.readString(rbdw.stateDir().resolve("log").resolve("broker.log")));
    }

    @Test
    void shouldRefuseUnmapWhileOpenUnlessForced() throws Exception {
        ok(rbdw.adm("create", "img", "--size", "1M"));
        ok(rbdw.adm("map", "img"));
        try (JavaProcess holder =
                JavaProcess.start(
                        Map.of(), ImageHolder.class, rbdw.runDir().toString(), "/rbdw/img")) {
            holder.awaitLine("open");
            long pid = holder.process().pid();
            assertFailure(1, rbdw.adm("unmap", "img"), "ImageHolder", "pid " + pid, "EBUSY");
            JsonObject client =
                    JsonParser.parseString(ok(rbdw.adm("clients", "--format", "json")))
                            .getAsJsonArray()
                            .get(0)
                            .getAsJsonObject();
            assertEquals(pid, client.get("pid").getAsLong());
            assertEquals(1, client.get("opens").getAsInt());
            assertEquals("/rbdw/img", client.get("paths").getAsJsonArray().get(0).getAsString());
            assertTrue(ok(rbdw.adm("clients")).contains("/rbdw/img"));

            ping(holder);
            holder.awaitLine("read");
            ok(rbdw.adm("unmap", "img", "--force"));
            ping(holder);
            holder.awaitLine("failed ESHUTDOWN");
        }
        assertEquals("", ok(rbdw.adm("showmapped")));
        ok(rbdw.adm("rm", "img"));
        assertEquals("", ok(rbdw.adm("ls")));
    }

    @Test
    void shouldUnmapWhenItsUserHasDied() throws Exception {
        ok(rbdw.adm("create", "img", "--size", "1M"));
        ok(rbdw.adm("map", "img"));
        try (JavaProcess holder =
                JavaProcess.start(
                        Map.of(), ImageHolder.class, rbdw.runDir().toString(), "/rbdw/img")) {
            holder.awaitLine("open");
        }
        // killed by close
        ok(rbdw.adm("unmap", "/rbdw/img"));
    }

    @Test
    void shouldAskForPathWhereSpecIsMappedTwice() throws Exception {
        ok(rbdw.adm("create", "img", "--size", "1M"));
        ok(rbdw.adm("map", "img"));
        ok(rbdw.adm("map", "img", "--as", "other"));
        assertFailure(1, rbdw.adm("unmap", "img"), "/rbdw/img", "/rbdw/other", "EINVAL");
        ok(rbdw.adm("unmap", "/rbdw/other"));
        ok(rbdw.adm("unmap", "img"));
    }

    @Test
    void shouldRefuseUnknownOptionsOfStart() throws Exception {
        assertFailure(2, rbdw.broker("start", "--store", "floppy"), "floppy");
        assertFailure(2, rbdw.broker("start", "--messengers", "shared:0"), "shared:0");
        assertFailure(2, rbdw.broker("start", "--max-messengers", "0"), "'0'");
        assertFailure(2, rbdw.broker("start", "--bogus"), "--bogus");
        Path config = Files.writeString(rbdw.folder.resolve("config"), "stor=file\n");
        assertFailure(2, rbdw.broker("start", "--config", config.toString()), "stor", "store");
        Files.delete(config);
        assertFailure(
                1,
                rbdw.broker("start", "--run-dir", rbdw.folder.resolve("other").toString()),
                "state",
                "EBUSY");
    }

    @Test
    void shouldSayThatStateDirectoryCannotBeMade() throws Exception {
        ok(rbdw.broker("stop"));
        Path file = Files.writeString(rbdw.folder.resolve("file"), "");
        assertFailure(
                1,
                rbdw.broker("start", "--state-dir", file.resolve("below").toString()),
                "--state-dir",
                "ENOTDIR");
        Files.delete(file);
        assertEquals(3, rbdw.broker("status").code());
    }

    private static void ping(JavaProcess holder) throws IOException {
        OutputStream in = holder.process().getOutputStream();
        in.write('\n');
        in.flush();
    }
}
