package org.rbdwrapper.adm;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * Files in the folder where somebody starts the broker, or above it, that libraries would take for
 * settings: who may write there is not who runs it.
 */
final class PlantedFilesSystemTest {
    private static final List<String> SETTINGS =
            List.of(
                    "planted.by.folder=yes",
                    "jna.library.path=/nonexistent/planted",
                    "chronicle.init.runnable=planted.Code",
                    "java.io.tmpdir=/nonexistent/planted");

    private Installed rbdw;
    private Path below;

    @BeforeEach
    void plant() throws Exception {
        rbdw = new Installed();
        below = Files.createDirectory(rbdw.folder.resolve("below"));
        for (Path folder : List.of(rbdw.folder, below)) {
            Files.write(folder.resolve("system.properties"), SETTINGS);
            for (String log : List.of("logback.xml", "logback-test.xml")) {
                Files.writeString(folder.resolve(log), "<configuration debug='true'/>");
            }
        }
    }

    @AfterEach
    void stopBroker() throws Exception {
        rbdw.close();
    }

    @Test
    void shouldReadNoSettingsFromItsFolderInTheForeground() throws Exception {
        typed(
                below,
                "rbdwrapper-broker start --foreground > out 2>&1 &"
                        + " until grep -q ready out; do kill -0 $! || exit 1; sleep 0.1; done");
        assertNothingPlanted();
    }

    @Test
    void shouldReadNoSettingsFromTheFolderAboveIt() throws Exception {
        Files.delete(below.resolve("system.properties"));
        typed(
                below,
                "rbdwrapper-broker start --foreground > out 2>&1 &"
                        + " until grep -q ready out; do kill -0 $! || exit 1; sleep 0.1; done");
        assertNothingPlanted();
    }

    @Test
    void shouldReadNoSettingsFromItsFolderAsADaemonNorWhenItIsReplaced() throws Exception {
        typed(below, "rbdwrapper-broker start");
        assertNothingPlanted();
        typed(below, "rbdwrapper-broker restart");
        assertNothingPlanted();
    }

    /** With a map change, before which not all of the journal's classes may be there. */
    private void assertNothingPlanted() throws Exception {
        typed(
                below,
                "rbdwrapper-adm create img --size 1M && rbdwrapper-adm map img"
                        + " && rbdwrapper-adm unmap img && rbdwrapper-adm rm img");
        long pid = rbdw.brokerProcess().orElseThrow().pid();
        Path jcmd = Path.of(System.getProperty("java.home"), "bin", "jcmd");
        String properties = typed(below, jcmd + " " + pid + " VM.system_properties");
        assertTrue(properties.contains("java.io.tmpdir="), properties);
        assertFalse(properties.contains("planted"), properties);
    }

    private String typed(Path folder, String line) throws Exception {
        Installed.Result result = rbdw.typed(folder, line);
        assertEquals(0, result.code(), line + ": " + result.err());
        return result.out();
    }
}
