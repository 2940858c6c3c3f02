package org.rbdwrapper.broker;

import static java.nio.charset.StandardCharsets.US_ASCII;

import org.rbdwrapper.ipc.Errno;
import org.rbdwrapper.ipc.ErrnoException;
import org.rbdwrapper.ipc.posix.Fd;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;

/**
 * Sees to it that a directory has one broker. The lock is the kernel's and gone with the process,
 * however it ends; the file stays and says who had it last.
 *
 * <p>flock(2) and not a FileChannel's lock: that one is lost as soon as anyone in this process
 * closes the file, a second broker that was refused included.
 */
public final class DirectoryLock implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(DirectoryLock.class);
    static final String FILE_NAME = ".lock";

    private int fd;

    private DirectoryLock(int fd) {
        this.fd = fd;
    }

    /**
     * @param directory is there.
     * @param what for messages: {@code state directory}.
     * @param otherwise for messages, what to do: {@code choose another with --state-dir}.
     * @throws ErrnoException EBUSY where another broker has it, also one of this process; ELOOP or
     *     EPERM where the file is a link, or another user's; the directory's own errors where it
     *     cannot be written.
     */
    public static DirectoryLock acquire(Path directory, String what, String otherwise)
            throws ErrnoException {
        Path file = directory.resolve(FILE_NAME);
        new OwnFolder(directory, what, otherwise).checkEntries(Stream.of(FILE_NAME), true);
        int fd;
        try {
            fd = Fd.open(file.toString(), Fd.O_RDWR | Fd.O_CREAT | Fd.O_NOFOLLOW, 0600);
        } catch (ErrnoException e) {
            String why =
                    Files.isSymbolicLink(file)
                            ? " has " + FILE_NAME + ", which is a link: remove that, or "
                            : " cannot be written, ";
            throw new ErrnoException(e.errno(), what + " " + directory + why + otherwise, e);
        }
        int result = Fd.tryLock(fd);
        if (result == 0) {
            leavePid(file);
            return new DirectoryLock(fd);
        }
        Fd.close(fd);
        if (result == -Errno.EAGAIN.number()) {
            throw new ErrnoException(
                    Errno.EBUSY,
                    "another broker"
                            + holder(file)
                            + " uses the "
                            + what
                            + " "
                            + directory
                            + ", stop it or "
                            + otherwise);
        }
        throw new ErrnoException(
                Errno.of(result), what + " " + directory + " cannot be locked, " + otherwise);
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
            DurableFiles.writeNoLink(
                    file, (ProcessHandle.current().pid() + "\n").getBytes(US_ASCII));
        } catch (IOException e) {
            LOG.debug("lock file {} cannot say who has it: {}", file, e.toString());
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
