package org.rbdwrapper.adm;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assumptions.assumeTrue;
import static org.rbdwrapper.adm.Outcome.assertFailure;
import static org.rbdwrapper.adm.Outcome.ok;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.rbdwrapper.ipc.posix.ProcessIdentity;

import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;

/** What another user meets; only root can run as one. */
final class UnprivilegedUserSystemTest {
    private static final List<String> AS_NOBODY =
            List.of("setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups");

    private Installed rbdw;

    @BeforeEach
    void makeFolders() throws Exception {
        assumeTrue(ProcessIdentity.uid() == 0, "needs root to become another user");
        rbdw = new Installed();
        Files.setPosixFilePermissions(rbdw.folder, PosixFilePermissions.fromString("rwx--x--x"));
    }

    @AfterEach
    void stopBroker() throws Exception {
        if (rbdw != null) {
            rbdw.close();
        }
    }

    @Test
    void shouldLeaveNothingRunningWhereStateDirectoryCannotBeWritten() throws Exception {
        Path readOnly = Files.createDirectory(rbdw.folder.resolve("ro"));
        Path own = Files.createDirectory(rbdw.folder.resolve("own"));
        Files.setAttribute(own, "unix:uid", 65534);
        Installed.Result start =
                asNobody(
                        "rbdwrapper-broker",
                        "start",
                        "--run-dir",
                        own.resolve("run").toString(),
                        "--state-dir",
                        readOnly.resolve("state").toString());
        assertFailure(1, start, readOnly.toString(), "EACCES", "--state-dir");
        assertEquals(List.of(), rbdw.leftRunning());
        assertFalse(Files.exists(own.resolve("run").resolve("broker.sock")));
        assertEquals(3, rbdw.broker("status", "--run-dir", own.resolve("run").toString()).code());
    }

    @Test
    void shouldLetNobodyElseAdminister() throws Exception {
        ok(rbdw.broker("start"));
        ok(rbdw.adm("create", "img", "--size", "1M"));
        ok(rbdw.adm("create", "free", "--size", "1M"));
        ok(rbdw.adm("map", "img"));
        String mapped = ok(rbdw.adm("showmapped"));
        assertFailure(1, adm("map", "free"), "free", "EPERM");
        assertFailure(1, adm("unmap", "/rbdw/img"), "/rbdw/img", "EPERM");
        assertFailure(1, adm("unmap", "img", "--force"), "img", "EPERM");
        assertFailure(1, adm("create", "new", "--size", "1M"), "new", "EPERM");
        assertFailure(1, adm("resize", "free", "--size", "2M"), "free", "EPERM");
        assertFailure(1, adm("rm", "free"), "free", "EPERM");
        assertFailure(
                1,
                asNobody("rbdwrapper-broker", "stop"),
                rbdw.runDir().toString() + "|pid",
                "EPERM");
        assertEquals(mapped, ok(rbdw.adm("showmapped")));
        assertEquals(List.of("free", "img"), ok(rbdw.adm("ls")).lines().sorted().toList());
        assertEquals(0, rbdw.broker("status").code());
    }

    private Installed.Result adm(String... arguments) throws Exception {
        return asNobody("rbdwrapper-adm", arguments);
    }

    private Installed.Result asNobody(String launcher, String... arguments) throws Exception {
        return rbdw.run(AS_NOBODY, launcher, arguments);
    }
}
