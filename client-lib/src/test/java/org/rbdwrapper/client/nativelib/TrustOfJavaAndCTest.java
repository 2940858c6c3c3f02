package org.rbdwrapper.client.nativelib;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.rbdwrapper.ipc.control.ControlConnection;
import org.rbdwrapper.ipc.posix.ProcessIdentity;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.List;

/** Run directories of another user, as a client of root sees them: in Java and C the same. */
final class TrustOfJavaAndCTest {
    private static final int HE = 65534;
    private static final int SHE = 65533;

    @TempDir Path temp;

    @BeforeEach
    void needRoot() throws IOException {
        assumeTrue(ProcessIdentity.uid() == 0, "only root can give a file away");
        temp = temp.toRealPath();
    }

    @Test
    void shouldTrustWhomRootHasGivenTheFolder() throws Exception {
        Path his = folder(temp, "his", HE, 0755);
        assertTrusted(his);
        assertTrusted(folder(folder(his, "below", HE, 0755), "run", HE, 0755));
        assertTrusted(folder(his, "roots", 0, 0755));
        assertTrusted(Files.createSymbolicLink(temp.resolve("link"), his));
        assertTrusted(Files.createSymbolicLink(temp.resolve("relative"), Path.of("his/../his")));
        assertTrusted(temp.resolve("his").resolve("..").resolve(".").resolve("his"));
    }

    @Test
    void shouldNotTrustWhoMayHaveMadeTheFolderHimself() throws Exception {
        Path sticky = folder(temp, "sticky", 0, 01777);
        Path his = folder(sticky, "his", HE, 0755);
        assertNotUsed(his, HE);
        assertNotUsed(folder(his, "run", HE, 0755), HE);
        assertNotUsed(folder(folder(temp, "everybodys", 0, 0777), "run", HE, 0755), HE);
        assertNotUsed(folder(folder(temp, "groups", 0, 0775), "run", HE, 0755), HE);
        Path roots = folder(sticky, "roots", 0, 0755);
        assertTrusted(folder(roots, "his", HE, 0755));
    }

    @Test
    void shouldNotTrustWhereALinkOfAnotherUserLeads() throws Exception {
        Path hers = folder(temp, "hers", SHE, 0755);
        Path sticky = folder(temp, "sticky", 0, 01777);
        Path his = Files.createSymbolicLink(sticky.resolve("his"), hers);
        giveAway(his, HE);
        assertNotUsed(his, SHE);
        Path hisFolder = folder(temp, "his", HE, 0755);
        Path inHis = Files.createSymbolicLink(hisFolder.resolve("link"), hers);
        giveAway(inHis, HE);
        assertNotUsed(inHis, SHE);
        assertNotUsed(folder(hisFolder, "hers", SHE, 0755), SHE);
        Path first = Files.createSymbolicLink(temp.resolve("first"), temp.resolve("second"));
        Files.createSymbolicLink(temp.resolve("second"), first);
        assertEquals(1, ControlConnection.passedOver(List.of(first)).size());
        assertTrue(errorOfC(first).contains("cannot be looked at"), errorOfC(first));
    }

    @Test
    void shouldNotTrustFolderThatOthersMayWrite() throws Exception {
        assertNotUsed(folder(temp, "groups", HE, 0775), HE);
        assertNotUsed(folder(temp, "everybodys", HE, 0757), HE);
        assertNotUsed(folder(temp, "sticky", HE, 01777), HE);
        // there the server's user alone counts
        assertTrusted(folder(temp, "roots", 0, 0777));
    }

    @Test
    void shouldLookForABrokerNowhereWhereNoneCanBe() throws Exception {
        assertTrusted(temp.resolve("missing"));
        assertTrusted(temp.resolve("missing").resolve("below"));
        Path file = Files.createFile(temp.resolve("file"));
        assertTrue(errorOfC(file).contains("run directory " + file + " cannot be used"));
        assertTrue(ControlConnection.passedOver(List.of(file)).getFirst().contains("cannot"));
    }

    private void assertTrusted(Path runDir) throws Exception {
        assertEquals(List.of(), ControlConnection.passedOver(List.of(runDir)));
        String error = errorOfC(runDir);
        assertTrue(error.contains("no broker is running at " + runDir), error);
    }

    private void assertNotUsed(Path runDir, int owner) throws Exception {
        String why =
                "the run directory "
                        + runDir
                        + " is not used: it belongs to uid "
                        + owner
                        + ", not to you (uid 0) or root, and others may change it or a folder"
                        + " above it";
        assertEquals(List.of(why), ControlConnection.passedOver(List.of(runDir)));
        String error = errorOfC(runDir);
        assertTrue(error.contains(why), error);
    }

    private static String errorOfC(Path runDir) throws Exception {
        NativeProgram.Result result = NativeProgram.run(runDir, "rbdw_tool", "size", "/rbdw/img");
        assertEquals(1, result.exitCode());
        return result.errors();
    }

    private static Path folder(Path above, String name, int owner, int mode) throws IOException {
        Path folder = Files.createDirectory(above.resolve(name));
        Files.setAttribute(folder, "unix:mode", mode);
        giveAway(folder, owner);
        return folder;
    }

    private static void giveAway(Path path, int owner) throws IOException {
        Files.setAttribute(path, "unix:uid", owner, LinkOption.NOFOLLOW_LINKS);
    }
}
