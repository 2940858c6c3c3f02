package org.rbdwrapper.broker;

import org.rbdwrapper.ipc.Errno;
import org.rbdwrapper.ipc.ErrnoException;
import org.rbdwrapper.ipc.posix.ProcessIdentity;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;

/** The folder of the journal, the log and the embedded images: for the broker's user alone. */
public final class StateDirectory {
    private static final String OTHERWISE = "choose another with --state-dir";
    private static final Set<PosixFilePermission> OTHERS_WRITING =
            Set.of(PosixFilePermission.GROUP_WRITE, PosixFilePermission.OTHERS_WRITE);

    private StateDirectory() {}

    /**
     * Makes it where it is missing.
     *
     * @throws ErrnoException EACCES where it cannot be made or written; EPERM where others than
     *     root and this user may change it, or what is in it.
     */
    public static void prepare(Path stateDir) throws ErrnoException {
        OwnFolder folder = new OwnFolder(stateDir, "state directory", OTHERWISE);
        folder.prepare("rwx------");
        try {
            int owner = (int) Files.getAttribute(stateDir, "unix:uid");
            if (!Files.isWritable(stateDir) || owner != ProcessIdentity.uid()) {
                throw new ErrnoException(
                        Errno.EACCES,
                        "state directory "
                                + stateDir
                                + " is not writable for uid "
                                + ProcessIdentity.uid()
                                + " or not its own: "
                                + OTHERWISE);
            }
            checkEntries(folder, stateDir);
            DurableFiles.syncName(stateDir);
        } catch (ErrnoException e) {
            throw e;
        } catch (IOException e) {
            throw new ErrnoException(
                    Errno.EACCES,
                    "state directory " + stateDir + " cannot be used (" + e + "): " + OTHERWISE,
                    e);
        }
    }

    /** Links are left to whoever has the folder: the log or the images may lie on another disk. */
    private static void checkEntries(OwnFolder folder, Path stateDir) throws IOException {
        List<String> names = names(stateDir);
        for (String name : names) {
            keepOthersOut(stateDir.resolve(name));
        }
        folder.checkEntries(names.stream(), true);
        Path logs = stateDir.resolve(BrokerOptions.LOG_FOLDER);
        if (Files.isDirectory(logs)) {
            OwnFolder logFolder = new OwnFolder(logs, "log directory", OTHERWISE);
            logFolder.check();
            logFolder.checkEntries(names(logs).stream(), true);
        }
    }

    /** A folder of ours that was made where new ones are its group's, too (umask 002). */
    private static void keepOthersOut(Path entry) throws IOException {
        if (Files.isDirectory(entry, LinkOption.NOFOLLOW_LINKS)
                && (int) Files.getAttribute(entry, "unix:uid", LinkOption.NOFOLLOW_LINKS)
                        == ProcessIdentity.uid()) {
            Set<PosixFilePermission> rights = new HashSet<>(Files.getPosixFilePermissions(entry));
            if (rights.removeAll(OTHERS_WRITING)) {
                Files.setPosixFilePermissions(entry, rights);
            }
        }
    }

    private static List<String> names(Path folder) throws IOException {
        try (Stream<Path> entries = Files.list(folder)) {
            return entries.map(entry -> entry.getFileName().toString()).toList();
        }
    }
}
