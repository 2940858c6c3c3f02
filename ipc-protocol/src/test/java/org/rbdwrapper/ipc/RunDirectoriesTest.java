package org.rbdwrapper.ipc;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;

final class RunDirectoriesTest {
    @Test
    void shouldPreferWhatIsGiven() {
        RunDirectories given =
                new RunDirectories(
                        Map.of(
                                "RBDW_RUN_DIR",
                                "/a",
                                "RBDW_STATE_DIR",
                                "/b",
                                "XDG_RUNTIME_DIR",
                                "/c"),
                        1000);
        assertEquals(Path.of("/a"), given.runDir());
        assertEquals(Path.of("/b"), given.stateDir());
        assertEquals(List.of(Path.of("/a")), given.clientRunDirs());
    }

    @Test
    void shouldUseSystemFoldersForRoot() {
        RunDirectories root =
                new RunDirectories(Map.of("XDG_RUNTIME_DIR", "/c", "HOME", "/root"), 0);
        assertEquals(Path.of("/run/rbdwrapper"), root.runDir());
        assertEquals(Path.of("/var/lib/rbdwrapper"), root.stateDir());
        assertEquals(List.of(Path.of("/run/rbdwrapper")), root.clientRunDirs());
    }

    @Test
    void shouldLookForOwnBrokerBeforeTheSystems() {
        RunDirectories session =
                new RunDirectories(Map.of("XDG_RUNTIME_DIR", "/run/user/7", "HOME", "/home/u"), 7);
        assertEquals(
                List.of(Path.of("/run/user/7/rbdwrapper"), Path.of("/run/rbdwrapper")),
                session.clientRunDirs());
        assertEquals(Path.of("/home/u/.local/state/rbdwrapper"), session.stateDir());
        RunDirectories bare =
                new RunDirectories(Map.of("XDG_RUNTIME_DIR", "", "XDG_STATE_HOME", "/s"), 7);
        assertEquals(Path.of("/tmp/rbdwrapper-7"), bare.runDir());
        assertEquals(Path.of("/s/rbdwrapper"), bare.stateDir());
    }
}
