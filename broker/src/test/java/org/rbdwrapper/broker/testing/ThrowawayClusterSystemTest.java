package org.rbdwrapper.broker.testing;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/** The script removes folders: none but its own. */
@Tag("ceph")
@Timeout(60)
final class ThrowawayClusterSystemTest {
    @TempDir Path folder;

    @Test
    void shouldNotRemoveFolderThatItDidNotMake() throws Exception {
        Path conf = Files.writeString(folder.resolve("ceph.conf"), "[global]\n");
        assertEquals(1, run("stop", folder));
        assertTrue(Files.exists(conf));
    }

    @Test
    void shouldNotStartWhereSomethingIs() throws Exception {
        Path file = Files.writeString(folder.resolve("file"), "x");
        assertEquals(1, run("start", folder));
        assertTrue(Files.exists(file));
    }

    @Test
    void shouldStopWhereNothingRuns() throws Exception {
        assertEquals(0, run("stop", folder.resolve("missing")));
        assertEquals(0, run("stop", Files.createDirectory(folder.resolve("empty"))));
        assertTrue(Files.notExists(folder.resolve("empty")));
    }

    private static int run(String action, Path target) throws Exception {
        Process script =
                new ProcessBuilder(CephCluster.script().toString(), action, target.toString())
                        .redirectErrorStream(true)
                        .start();
        String output = new String(script.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        int status = script.waitFor();
        assertEquals(status == 0 ? 0 : 1, output.lines().count(), output);
        return status;
    }
}
