package org.rbdwrapper.adm;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.rbdwrapper.adm.Outcome.ok;

import com.google.gson.JsonParser;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.rbdwrapper.client.RbdFile;
import org.rbdwrapper.ipc.Errno;
import org.rbdwrapper.ipc.IoErrors;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;

/** Of a mapping everything survives the broker, not only its name. */
final class MapSurvivalSystemTest {
    private static final int SIZE = 1024 * 1024;

    private Installed rbdw;

    @BeforeEach
    void startBroker() throws Exception {
        rbdw = new Installed();
        ok(rbdw.broker("start"));
        for (String image : List.of("img0", "pool2/space/img1", "bücher")) {
            ok(rbdw.adm("create", image, "--size", "1M"));
        }
        ok(rbdw.adm("map", "img0", "--read-only"));
        ok(rbdw.adm("map", "img0", "--as", "again"));
        ok(rbdw.adm("map", "pool2/space/img1", "--as", "NAME"));
        // a gap among the ids
        ok(rbdw.adm("unmap", "/rbdw/again"));
        assertEquals("/rbdw/bücher\n", ok(rbdw.adm("map", "bücher", "--mode", "0640")));
    }

    @AfterEach
    void stopBroker() throws Exception {
        rbdw.close();
    }

    @Test
    void shouldSurviveStopAndKillWithAllItsProperties() throws Exception {
        List<String> before = shown();
        assertTrue(before.get(0).contains("/rbdw/bücher"), before.get(0));
        assertTrue(before.get(1).contains("\"namespace\":\"space\""), before.get(1));
        try (RbdFile file = RbdFile.openAt(rbdw.runDir(), "/rbdw/bücher")) {
            file.write(ByteBuffer.wrap(new byte[] {42}), SIZE - 1);
            file.force();
        }
        ok(rbdw.broker("stop"));
        ok(rbdw.broker("start"));
        assertEquals(before, shown());
        kill();
        ok(rbdw.broker("start"));
        assertEquals(before, shown());

        IOException refused =
                assertThrows(
                        IOException.class,
                        () ->
                                RbdFile.openAt(
                                        rbdw.runDir(), "/rbdw/img0", StandardOpenOption.WRITE));
        assertEquals(Errno.EROFS, IoErrors.errno(refused));
        ByteBuffer last = ByteBuffer.allocate(2);
        try (RbdFile file = RbdFile.openAt(rbdw.runDir(), "/rbdw/bücher")) {
            assertEquals(1, file.read(last, SIZE - 1));
        }
        assertEquals(42, last.get(0));
    }

    @Test
    void shouldNotLoseAcknowledgedChangeWhereBrokerIsKilledAtOnce() throws Exception {
        List<String> paths = devices();
        for (int i = 0; i < 2; i++) {
            String path = ok(rbdw.adm("map", "img0", "--as", "copy" + i)).strip();
            kill();
            paths.add(path);
            ok(rbdw.broker("start"));
            assertEquals(paths, devices());
            ok(rbdw.adm("unmap", path));
            kill();
            paths.remove(path);
            ok(rbdw.broker("start"));
            assertEquals(paths, devices());
        }
    }

    private void kill() throws IOException {
        ProcessHandle process = rbdw.brokerProcess().orElseThrow();
        process.destroyForcibly();
        process.onExit().join();
    }

    private List<String> devices() throws Exception {
        List<String> devices = new ArrayList<>();
        JsonParser.parseString(ok(rbdw.adm("showmapped", "--format", "json")))
                .getAsJsonArray()
                .forEach(e -> devices.add(e.getAsJsonObject().get("device").getAsString()));
        return devices;
    }

    private List<String> shown() throws Exception {
        return List.of(
                ok(rbdw.adm("showmapped")),
                ok(rbdw.adm("showmapped", "--format", "json")),
                ok(rbdw.adm("showmapped", "--format", "xml")));
    }
}
