package org.rbdwrapper.broker;

import static java.nio.file.StandardCopyOption.ATOMIC_MOVE;

import org.rbdwrapper.ipc.Errno;
import org.rbdwrapper.ipc.ErrnoException;
import org.rbdwrapper.ipc.RunDirectories;
import org.rbdwrapper.ipc.posix.ProcessIdentity;
import org.rbdwrapper.ipc.posix.UnixSocket;

import java.io.IOException;
import java.io.Reader;
import java.io.Writer;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Properties;

/**
 * The folder that clients look into: the socket, the process id, and a lock that says that a broker
 * is running. The lock is the kernel's and so gone with the process, however it ends; the files may
 * be left over and mean nothing without it.
 */
public final class RunDirectory implements AutoCloseable {
    private static final int BACKLOG = 256;
    private static final String SUCCESSOR = "successor";
    private static final String OPTIONS = "broker.options";

    private final Path path;
    private final DirectoryLock lock;

    private RunDirectory(Path path, DirectoryLock lock) {
        this.path = path;
        this.lock = lock;
    }

    /**
     * Makes the folder where it is missing (0755 for root, whose clients may be anyone, else 0700)
     * and takes the lock.
     *
     * @throws ErrnoException EBUSY where a broker is running there; EPERM where somebody else owns
     *     the folder.
     */
    public static RunDirectory acquire(Path path) throws ErrnoException {
        try {
            if (!Files.isDirectory(path)) {
                String mode = ProcessIdentity.uid() == 0 ? "rwxr-xr-x" : "rwx------";
                Files.createDirectories(path);
                Files.setPosixFilePermissions(path, PosixFilePermissions.fromString(mode));
            }
            checkOwner(path);
            return new RunDirectory(path, lock(path));
        } catch (ErrnoException e) {
            throw e;
        } catch (IOException e) {
            throw new ErrnoException(
                    Errno.EACCES,
                    "run directory "
                            + path
                            + " cannot be used ("
                            + e
                            + "): choose another with --run-dir",
                    e);
        }
    }

    /** The listening socket, in place of what a dead broker has left. */
    public int listen() throws ErrnoException {
        Path socket = path.resolve(RunDirectories.SOCKET_NAME);
        Path begun = path.resolve("broker.new");
        try {
            Files.deleteIfExists(begun);
            int fd = UnixSocket.listen(begun.toString(), BACKLOG);
            // the folder is the door; the mapping's owner and mode decide about each image
            Files.setPosixFilePermissions(begun, PosixFilePermissions.fromString("rw-rw-rw-"));
            // in one step: as long as there is a socket, clients that find nobody wait
            Files.move(begun, socket, ATOMIC_MOVE);
            Files.deleteIfExists(path.resolve(SUCCESSOR));
            Files.writeString(path.resolve("broker.pid"), ProcessHandle.current().pid() + "\n");
            return fd;
        } catch (ErrnoException e) {
            throw e;
        } catch (IOException e) {
            throw FileErrors.of(e, "socket " + socket + " cannot be made");
        }
    }

    public Path path() {
        return path;
    }

    /**
     * The broker that ends here is replaced: it leaves its socket, by which clients know that they
     * need only wait. {@link #retractSuccessor} where none came.
     */
    public static void announceSuccessor(Path path) throws IOException {
        Files.write(path.resolve(SUCCESSOR), new byte[0]);
    }

    public static void retractSuccessor(Path path) throws IOException {
        Files.deleteIfExists(path.resolve(SUCCESSOR));
        Files.deleteIfExists(path.resolve(RunDirectories.SOCKET_NAME));
    }

    /**
     * Notes what its broker was told, for {@link #lastOptions}. It stays where the broker is killed
     * or replaced.
     */
    public static void noteOptions(Path path, Properties options) throws IOException {
        Path file = path.resolve(OPTIONS);
        Path unfinished = path.resolve(OPTIONS + ".new");
        try {
            try (Writer writer = Files.newBufferedWriter(unfinished)) {
                options.store(writer, "what the broker was started with: for restart");
            }
            Files.move(unfinished, file, ATOMIC_MOVE);
        } catch (IOException e) {
            throw FileErrors.of(e, file + " cannot be written");
        }
    }

    /** What the broker was told that is running here, or was killed; else nothing. */
    public static Properties lastOptions(Path path) throws IOException {
        Properties options = new Properties();
        try (Reader reader = Files.newBufferedReader(path.resolve(OPTIONS))) {
            options.load(reader);
        } catch (NoSuchFileException e) {
            return new Properties();
        } catch (IllegalArgumentException e) {
            throw new ErrnoException(
                    Errno.EIO,
                    path.resolve(OPTIONS) + " is damaged: remove it, and give restart the options",
                    e);
        } catch (IOException e) {
            throw FileErrors.of(e, path.resolve(OPTIONS) + " cannot be read");
        }
        return options;
    }

    /** Removes what says that a broker is here, and gives the lock back. */
    @Override
    public void close() throws IOException {
        if (!Files.exists(path.resolve(SUCCESSOR))) {
            Files.deleteIfExists(path.resolve(RunDirectories.SOCKET_NAME));
            Files.deleteIfExists(path.resolve(OPTIONS));
        }
        Files.deleteIfExists(path.resolve("broker.pid"));
        lock.close();
    }

    private static DirectoryLock lock(Path path) throws ErrnoException {
        try {
            return DirectoryLock.acquire(path, "run directory", "choose another with --run-dir");
        } catch (ErrnoException e) {
            if (e.errno().equals(Errno.EBUSY)) {
                throw new ErrnoException(Errno.EBUSY, "already running: " + e.what(), e);
            }
            throw e;
        }
    }

    private static void checkOwner(Path path) throws IOException {
        int owner = (int) Files.getAttribute(path, "unix:uid", LinkOption.NOFOLLOW_LINKS);
        int mode = (int) Files.getAttribute(path, "unix:mode", LinkOption.NOFOLLOW_LINKS);
        int uid = ProcessIdentity.uid();
        if (owner != uid && uid != 0) {
            throw new ErrnoException(
                    Errno.EPERM,
                    "run directory "
                            + path
                            + " belongs to uid "
                            + owner
                            + ", not to you (uid "
                            + uid
                            + "): choose another with --run-dir");
        }
        if ((mode & 0002) != 0) {
            throw new ErrnoException(
                    Errno.EPERM,
                    "run directory "
                            + path
                            + " is writable by everybody: chmod o-w it, or choose another");
        }
        if ((mode & 0170000) != 0040000) {
            throw new ErrnoException(Errno.EPERM, "run directory " + path + " is not a directory");
        }
    }
}
