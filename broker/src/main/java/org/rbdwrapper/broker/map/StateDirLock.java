package org.rbdwrapper.broker.map;

import org.rbdwrapper.ipc.Errno;
import org.rbdwrapper.ipc.ErrnoException;
import org.rbdwrapper.ipc.posix.Fd;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Sees to it that a directory has one broker. The lock is the kernel's and gone with the process,
 * however it ends; the file stays and says who had it last.
 *
 * <p>flock(2) and not a FileChannel's lock: that one is lost as soon as anyone in this process
 * closes the file, a second broker that was refused included.
 */
public final class StateDirLock implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(StateDirLock.class);
    private static final String FILE_NAME = "lock";

    private int fd;

    private StateDirLock(int fd) {
        this.fd = fd;
    }

    /**
     * @throws ErrnoException EBUSY where another broker has it, also one of this process; the
     *     directory's own errors where it cannot be written.
     */
    public static StateDirLock acquire(Path directory) throws ErrnoException {
        Path file = directory.resolve(FILE_NAME);
        int fd;
        try {
            fd = Fd.open(file.toString(), Fd.O_RDWR | Fd.O_CREAT, 0600);
        } catch (ErrnoException e) {
            throw new ErrnoException(
                    e.errno(),
                    "state directory "
                            + directory
                            + " cannot be written: choose another with --state-dir",
                    e);
        }
        int result = Fd.tryLock(fd);
        if (result == 0) {
            leavePid(file);
            return new StateDirLock(fd);
        }
        Fd.close(fd);
        if (result != -Errno.EAGAIN.number()) {
            throw new ErrnoException(
                    Errno.of(result), "state directory " + directory + " cannot be locked");
        }
        throw new ErrnoException(
                Errno.EBUSY,
                "another broker"
                        + holder(file)
                        + " uses the state directory "
                        + directory
                        + ": stop it, or choose another with --state-dir");
    }

    @Override
    public void close() throws ErrnoException {
        if (fd >= 0) {
            int locked = fd;
            fd = -1;
            Fd.close(locked);
        }
    }

    private static void leavePid(Path file) {
        try {
            Files.writeString(file, ProcessHandle.current().pid() + "\n");
        } catch (IOException e) {
            LOG.warn("lock file {} cannot say who has it: {}", file, e.toString());
        }
    }

    private static String holder(Path file) {
        try {
            String pid = Files.readString(file).strip();
            return pid.matches("[0-9]{1,10}") ? " (process " + pid + ")" : "";
        } catch (IOException e) {
            LOG.warn("lock file {} cannot be read: {}", file, e.toString());
            return "";
        }
    }
}
