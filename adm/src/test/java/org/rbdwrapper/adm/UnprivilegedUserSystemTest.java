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

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** What another user meets; only root can run as one. */
final class UnprivilegedUserSystemTest {
    private static final List<String> AS_NOBODY =
            List.of("setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups");

    private Installed rbdw;

    @BeforeEach
    void makeFolders() throws Exception {
        assumeTrue(ProcessIdentity.uid() == 0, "needs root to become another user");
        rbdw = Installed.forEveryUser();
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

    @Test
    void shouldLetInWhomOwnerAndModeAllow() throws Exception {
        // the run directory is open to all, as /run/rbdwrapper is: the mappings decide
        ok(rbdw.broker("start"));
        ok(rbdw.adm("create", "img", "--size", "1M"));
        ok(rbdw.adm("map", "img", "--as", "roots"));
        ok(rbdw.adm("map", "img", "--as", "everybodys", "--mode", "0666"));
        ok(rbdw.adm("map", "img", "--as", "nobodys", "--owner", "65534:65534"));
        ok(rbdw.adm("map", "img", "--as", "groups", "--owner", "0:65534", "--mode", "0640"));
        assertEquals(1, open(AS_NOBODY, "/rbdw/roots", "r"));
        assertEquals(0, open(AS_NOBODY, "/rbdw/everybodys", "rw"));
        assertEquals(0, open(AS_NOBODY, "/rbdw/nobodys", "rw"));
        assertEquals(0, open(AS_NOBODY, "/rbdw/groups", "r"));
        assertEquals(1, open(AS_NOBODY, "/rbdw/groups", "rw"));
        assertEquals(0, open(List.of(), "/rbdw/roots", "rw"));
        assertEquals(4, ok(adm("showmapped")).lines().skip(1).count());
    }

    /**
     * Exit code of the C program that reads the image's first byte, and writes it back for "rw".
     */
    private int open(List<String> user, String path, String how)
            throws IOException, InterruptedException {
        Path tool = rbdw.cTool();
        List<String> words = new ArrayList<>(user);
        words.addAll(
                how.equals("r")
                        ? List.of(tool.toString(), "read", path, "0", "1")
                        : List.of(tool.toString(), "write", path, "0"));
        ProcessBuilder builder =
                new ProcessBuilder(words)
                        .redirectInput(new File("/etc/hostname"))
                        .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                        .redirectError(ProcessBuilder.Redirect.DISCARD);
        builder.environment().put("RBDW_RUN_DIR", rbdw.runDir().toString());
        return builder.start().waitFor();
    }

    private Installed.Result adm(String... arguments) throws Exception {
        return asNobody("rbdwrapper-adm", arguments);
    }

    private Installed.Result asNobody(String launcher, String... arguments) throws Exception {
        return rbdw.run(AS_NOBODY, launcher, arguments);
    }
}
