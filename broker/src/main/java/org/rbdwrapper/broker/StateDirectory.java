package org.rbdwrapper.broker;

import org.rbdwrapper.ipc.Errno;
import org.rbdwrapper.ipc.ErrnoException;
import org.rbdwrapper.ipc.posix.ProcessIdentity;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;

/** The folder of the journal, the log and the embedded images: for the broker's user alone. */
public final class StateDirectory {
    private StateDirectory() {}

    /**
     * Makes it where it is missing.
     *
     * @throws ErrnoException EACCES where it cannot be made, or belongs to somebody else.
     */
    public static void prepare(Path stateDir) throws ErrnoException {
        try {
            if (!Files.isDirectory(stateDir)) {
                DurableFiles.makeDirectories(stateDir);
                Files.setPosixFilePermissions(
                        stateDir, PosixFilePermissions.fromString("rwx------"));
            }
            int owner = (int) Files.getAttribute(stateDir, "unix:uid");
            if (!Files.isWritable(stateDir) || owner != ProcessIdentity.uid()) {
                throw new ErrnoException(
                        Errno.EACCES,
                        "state directory "
                                + stateDir
                                + " is not writable for uid "
                                + ProcessIdentity.uid()
                                + " or not its own: choose another with --state-dir");
            }
            DurableFiles.syncName(stateDir);
        } catch (ErrnoException e) {
            throw e;
        } catch (IOException e) {
            throw new ErrnoException(
                    Errno.EACCES,
                    "state directory "
                            + stateDir
                            + " cannot be made ("
                            + e.getMessage()
                            + "): choose another with --state-dir",
                    e);
        }
    }
}
