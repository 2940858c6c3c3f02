package org.rbdwrapper.broker;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static java.nio.file.StandardCopyOption.ATOMIC_MOVE;
import static java.nio.file.StandardOpenOption.CREATE_NEW;
import static java.nio.file.StandardOpenOption.WRITE;

import org.rbdwrapper.ipc.Errno;
import org.rbdwrapper.ipc.ErrnoException;
import org.rbdwrapper.ipc.RunDirectories;
import org.rbdwrapper.ipc.posix.ProcessIdentity;
import org.rbdwrapper.ipc.posix.UnixSocket;

import java.io.IOException;
import java.io.Reader;
import java.io.Writer;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Properties;
import java.util.concurrent.locks.LockSupport;

/**
 * The folder that clients look into: the socket, the process id, and a lock that says that a broker
 * is running. The lock is the kernel's and so gone with the process, however it ends; the files may
 * be left over and mean nothing without it.
 */
public final class RunDirectory implements AutoCloseable {
    private static final int BACKLOG = 256;
    private static final String SUCCESSOR = "successor";
    private static final String OPTIONS = "broker.options";
    private static final String OPTIONS_BEGUN = OPTIONS + ".new";
    private static final String PID = "broker.pid";
    private static final String BEGUN = "broker.new";
    private static final String OTHERWISE = "choose another with --run-dir";

    /** Of those who would come back. */
    public static final String SESSIONS = "sessions";

    /** Of images that are open by descriptors. */
    public static final String OPENS = "opens";

    /** What a descriptor of an image shows in {@code /proc/PID/fd}. */
    public static final String IMAGE = "image";

    public static final String LOCKS = "locks";
    public static final String LOGICAL_ENDS = "logical-ends";

    /** All that a broker has there; what else there is, is not the broker's. */
    private static final List<String> ENTRIES =
            List.of(
                    DirectoryLock.FILE_NAME,
                    RunDirectories.SOCKET_NAME,
                    BEGUN,
                    PID,
                    OPTIONS,
                    OPTIONS_BEGUN,
                    SUCCESSOR,
                    SESSIONS,
                    OPENS,
                    IMAGE,
                    LOCKS,
                    LOGICAL_ENDS);

    /**
     * For so long a program may use what it has read ahead as long as a counter tells of no change
     * ({@code READ_AHEAD_KEPT_NS} of the preload library), and that of a broker that was killed
     * tells of none any more.
     */
    private static final long READ_AHEAD_KEPT_NANOS = 250_000_000;

    private final Path path;
    private final DirectoryLock lock;

    /** When this broker may change an image, of {@link System#nanoTime}. */
    private final long mayChangeAt;

    private RunDirectory(Path path, DirectoryLock lock, boolean hasPredecessor) {
        this.path = path;
        this.lock = lock;
        this.mayChangeAt = System.nanoTime() + (hasPredecessor ? READ_AHEAD_KEPT_NANOS : 0);
    }

    /**
     * Makes the folder where it is missing (0755 for root, whose clients may be anyone, else 0700)
     * and takes the lock.
     *
     * @throws ErrnoException EBUSY where a broker is running there; EPERM where others than root
     *     and this user may change the folder.
     */
    public static RunDirectory acquire(Path path) throws ErrnoException {
        OwnFolder folder = folder(path);
        folder.prepare(ProcessIdentity.uid() == 0 ? "rwxr-xr-x" : "rwx------");
        folder.checkEntries(ENTRIES.stream(), false);
        DirectoryLock lock = lock(path); // a broker before this one has ended
        return new RunDirectory(path, lock, Files.exists(path.resolve(RunDirectories.SOCKET_NAME)));
    }

    /**
     * Of one that may not be there yet: what {@link #acquire} checks, before a broker that runs
     * there is ended for the next one.
     */
    public static void check(Path path) throws ErrnoException {
        if (Files.exists(path)) {
            folder(path).check();
            folder(path).checkEntries(ENTRIES.stream(), false);
        }
    }

    private static OwnFolder folder(Path path) {
        return new OwnFolder(path, "run directory", OTHERWISE);
    }

    /**
     * The listening socket, in place of what a dead broker has left; not before what its clients
     * have read ahead has expired, for what others change from now on they could not know of.
     */
    public int listen() throws ErrnoException {
        long wait;
        while ((wait = mayChangeAt - System.nanoTime()) > 0) {
            LockSupport.parkNanos(this, wait);
        }
        Path socket = path.resolve(RunDirectories.SOCKET_NAME);
        Path begun = path.resolve(BEGUN);
        try {
            Files.deleteIfExists(begun);
            int fd = UnixSocket.listen(begun.toString(), BACKLOG);
            // the folder is the door; the mapping's owner and mode decide about each image
            Files.setPosixFilePermissions(begun, PosixFilePermissions.fromString("rw-rw-rw-"));
            // in one step: as long as there is a socket, clients that find nobody wait
            Files.move(begun, socket, ATOMIC_MOVE);
            Files.deleteIfExists(path.resolve(SUCCESSOR));
            DurableFiles.writeNoLink(
                    path.resolve(PID), (ProcessHandle.current().pid() + "\n").getBytes(US_ASCII));
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
        try {
            Files.createFile(path.resolve(SUCCESSOR)); // root may do it in another user's folder
        } catch (FileAlreadyExistsException e) {
            return; // it is announced
        }
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
        Path unfinished = path.resolve(OPTIONS_BEGUN);
        try {
            Files.deleteIfExists(unfinished);
            try (Writer writer = Files.newBufferedWriter(unfinished, CREATE_NEW, WRITE)) {
                options.store(writer, "what the broker was started with: for restart");
            }
            Files.move(unfinished, file, ATOMIC_MOVE);
        } catch (IOException e) {
            throw FileErrors.of(e, file + " cannot be written");
        }
    }

    /**
     * What the broker was told that is running here, or was killed; else nothing.
     *
     * @throws ErrnoException EPERM where others than root and this user may change the folder.
     */
    public static Properties lastOptions(Path path) throws IOException {
        Properties options = new Properties();
        if (!Files.exists(path)) {
            return options;
        }
        check(path);
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
        Files.deleteIfExists(path.resolve(PID));
        lock.close();
    }

    private static DirectoryLock lock(Path path) throws ErrnoException {
        try {
            return DirectoryLock.acquire(path, "run directory", OTHERWISE);
        } catch (ErrnoException e) {
            if (e.errno().equals(Errno.EBUSY)) {
                throw new ErrnoException(Errno.EBUSY, "already running: " + e.what(), e);
            }
            throw e;
        }
    }
}
