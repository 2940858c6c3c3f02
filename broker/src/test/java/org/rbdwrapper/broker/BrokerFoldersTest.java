package org.rbdwrapper.broker;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.rbdwrapper.broker.store.file.FileStore;
import org.rbdwrapper.ipc.ErrnoException;
import org.rbdwrapper.ipc.posix.ProcessIdentity;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Properties;

/** Who else may change a folder in which the broker writes. */
class BrokerFoldersTest {
    private static final int SOMEBODY_ELSE = 65534;
    private static final String SECRET = "not to be touched";

    @TempDir Path temp;
    private Path folder;
    private Path secret;

    @BeforeEach
    void makeFolder() throws IOException {
        folder = Files.createDirectory(temp.resolve("folder"));
        secret = Files.writeString(temp.resolve("secret"), SECRET);
    }

    @Test
    void shouldTakeFolderOfItsUserAndMakeOneThatIsMissing() throws Exception {
        RunDirectory.acquire(folder).close();
        RunDirectory.acquire(temp.resolve("new").resolve("run")).close();
        StateDirectory.prepare(temp.resolve("new").resolve("state"));
        FileStore.open(temp.resolve("new").resolve("images")).close();
        assertEquals("rwx------", rights(temp.resolve("new").resolve("state")));
        assertEquals("rwx------", rights(temp.resolve("new").resolve("images")));
    }

    @Test
    void shouldRefuseFolderOfAnotherUserAndNotWriteThroughItsLinks() throws Exception {
        Files.createSymbolicLink(folder.resolve(".lock"), secret);
        giveAway(folder);
        for (Executable use : uses(folder)) {
            assertRefused(use, "belongs to uid 65534");
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                ".lock",
                "broker.sock",
                "broker.new",
                "broker.pid",
                "broker.options",
                "broker.options.new",
                "successor",
                "sessions",
                "opens",
                "image",
                "locks",
                "logical-ends"
            })
    void shouldNotFollowLinkInRunDirectory(String name) throws Exception {
        Files.createSymbolicLink(folder.resolve(name), secret);
        assertRefused(() -> RunDirectory.acquire(folder), name + ", which is a link");
        Files.delete(folder.resolve(name));
        Files.createLink(folder.resolve(name), secret);
        assertRefused(() -> RunDirectory.acquire(folder), name + ", which is a link");
        Files.delete(folder.resolve(name));
        RunDirectory.acquire(folder).close();
    }

    @Test
    void shouldNotTakeOverOptionsThatAnotherUserHasWritten() throws Exception {
        Files.writeString(folder.resolve("broker.options"), "store=file:/etc");
        assertEquals("file:/etc", RunDirectory.lastOptions(folder).getProperty("store"));
        giveAway(folder.resolve("broker.options"));
        assertRefused(() -> RunDirectory.lastOptions(folder), "broker.options");
        giveAway(folder);
        assertRefused(() -> RunDirectory.lastOptions(folder), "belongs to uid 65534");
        assertEquals(new Properties(), RunDirectory.lastOptions(temp.resolve("missing")));
    }

    /** As root does for the broker of another user, who has that folder. */
    @Test
    void shouldAnnounceSuccessorWithoutFollowingLink() throws Exception {
        Files.createSymbolicLink(folder.resolve("successor"), secret);
        RunDirectory.announceSuccessor(folder);
        assertEquals(SECRET, Files.readString(secret));
        RunDirectory.retractSuccessor(folder);
        RunDirectory.announceSuccessor(folder);
        RunDirectory.announceSuccessor(folder);
        assertTrue(Files.isRegularFile(folder.resolve("successor"), LinkOption.NOFOLLOW_LINKS));
    }

    @Test
    void shouldRefuseFolderThatOthersMayWrite() throws Exception {
        for (String rights : new String[] {"rwxrwxr-x", "rwxr-xrwx"}) {
            Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString(rights));
            for (Executable use : uses(folder)) {
                assertRefused(use, "chmod go-w");
            }
        }
    }

    @Test
    void shouldRefuseFolderThatOthersMayReplace() throws Exception {
        Path above = Files.createDirectory(temp.resolve("above"));
        Path below = Files.createDirectory(above.resolve("below"));
        Files.setPosixFilePermissions(above, PosixFilePermissions.fromString("rwxrwxrwx"));
        for (Path used : new Path[] {below, above.resolve("missing")}) {
            for (Executable use : uses(used)) {
                assertRefused(use, "others, who may change " + above.toRealPath());
            }
        }
        assertFalse(Files.exists(above.resolve("missing")));
        // as in /tmp: nobody else can rename what is ours
        Files.setAttribute(above, "unix:mode", 01777);
        RunDirectory.acquire(below).close();
    }

    @Test
    void shouldRefuseFolderBelowOneOfAnotherUser() throws Exception {
        Path above = Files.createDirectory(temp.resolve("above"));
        Path below = Files.createDirectory(above.resolve("below"));
        giveAway(above);
        for (Path used : new Path[] {below, above.resolve("missing")}) {
            for (Executable use : uses(used)) {
                assertRefused(use, "uid 65534, who has a folder above it");
            }
        }
        assertFalse(Files.exists(above.resolve("missing")));
    }

    @Test
    void shouldLeaveLinksInStateDirectoryToWhoHasIt() throws Exception {
        Path elsewhere = Files.createDirectory(temp.resolve("elsewhere"));
        Path log = Files.createSymbolicLink(folder.resolve("log"), elsewhere);
        Path file = Files.createSymbolicLink(elsewhere.resolve("broker.log"), secret);
        StateDirectory.prepare(folder);
        giveAway(file);
        assertRefused(() -> StateDirectory.prepare(folder), "broker.log", "65534");
        Files.delete(file);
        giveAway(elsewhere);
        assertRefused(() -> StateDirectory.prepare(folder), "log directory", "65534");
        giveAway(log);
        assertRefused(() -> StateDirectory.prepare(folder), "has log, which belongs to uid 65534");
    }

    /** Where new folders are their group's, too, as they are with umask 002. */
    @Test
    void shouldKeepOthersOutOfItsOwnFolders() throws Exception {
        Path log = Files.createDirectory(folder.resolve("log"));
        Files.setPosixFilePermissions(log, PosixFilePermissions.fromString("rwxrwxr-x"));
        StateDirectory.prepare(folder);
        assertEquals("rwxr-xr-x", rights(log));
    }

    @Test
    void shouldNotFollowLinkToLockInStateAndImageDirectory() throws Exception {
        Files.createSymbolicLink(folder.resolve(".lock"), secret);
        String what = "state directory";
        assertRefused(() -> DirectoryLock.acquire(folder, what, "x"), ".lock, which is a link");
        assertRefused(() -> FileStore.open(folder), ".lock, which is a link");
    }

    private static Executable[] uses(Path folder) {
        return new Executable[] {
            () -> RunDirectory.acquire(folder),
            () -> StateDirectory.prepare(folder),
            () -> FileStore.open(folder)
        };
    }

    private void assertRefused(Executable use, String... parts) throws IOException {
        ErrnoException refused = assertThrows(ErrnoException.class, use);
        for (String part : parts) {
            assertTrue(refused.getMessage().contains(part), refused.getMessage());
        }
        assertEquals(1, refused.getMessage().lines().count());
        assertEquals(SECRET, Files.readString(secret));
    }

    private static void giveAway(Path path) throws IOException {
        assumeTrue(ProcessIdentity.uid() == 0, "only root can give a file away");
        Files.setAttribute(path, "unix:uid", SOMEBODY_ELSE, LinkOption.NOFOLLOW_LINKS);
    }

    private static String rights(Path path) throws IOException {
        return PosixFilePermissions.toString(Files.getPosixFilePermissions(path));
    }
}
