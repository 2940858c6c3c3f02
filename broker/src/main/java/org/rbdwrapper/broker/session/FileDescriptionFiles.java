package org.rbdwrapper.broker.session;

import org.rbdwrapper.broker.DurableFiles;
import org.rbdwrapper.broker.FileErrors;
import org.rbdwrapper.broker.RunDirectory;
import org.rbdwrapper.ipc.ErrnoException;
import org.rbdwrapper.ipc.posix.Fd;
import org.rbdwrapper.ipc.posix.UnixSocket;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/**
 * The open file descriptions' files in the run directory, by which the next broker knows them.
 *
 * <pre>
 *   RUN_DIR/opens/ID.open    FileDescription.encode: written once, read by brokers alone
 *   RUN_DIR/opens/ID.state   one page: the position and the flags, shared by the processes
 * </pre>
 *
 * <p>The state is a file and no memfd, since it must outlive the broker although none of the
 * programs keeps a descriptor of it. Its pages are allocated before it is given away. Who has it
 * can cut it, and so harm the processes that share this open: it is given to the user alone who has
 * opened it.
 *
 * <p>One thread at a time.
 */
final class FileDescriptionFiles {
    private static final Logger LOG = LoggerFactory.getLogger(FileDescriptionFiles.class);

    private static final int STATE_LENGTH = 4096;
    private static final String STATE = ".state";
    private static final String RECORD = ".open";

    private final Path folder;
    private final Path name;

    FileDescriptionFiles(Path runDir) {
        this.folder = runDir.resolve(RunDirectory.OPENS);
        this.name = runDir.resolve(RunDirectory.IMAGE);
    }

    /**
     * A descriptor that nobody can open, read or write, on an inode that is nobody else's: of a
     * socket's name that is removed at once. O_PATH, so that every call on it fails with EBADF.
     */
    int makePlaceholder() throws ErrnoException {
        try {
            Files.deleteIfExists(name);
            UnixSocket.makeName(name.toString());
            int placeholder = Fd.open(name.toString(), Fd.O_PATH | Fd.O_NOFOLLOW, 0);
            Files.delete(name);
            return placeholder;
        } catch (ErrnoException e) {
            throw e;
        } catch (IOException e) {
            throw FileErrors.of(e, "the name of an open file cannot be made in the run directory");
        }
    }

    /** Notes it for the next broker, and makes its state: zeroes. */
    void add(FileDescription description) throws ErrnoException {
        try {
            if (!Files.isDirectory(folder, LinkOption.NOFOLLOW_LINKS)) {
                Files.createDirectory(
                        folder,
                        PosixFilePermissions.asFileAttribute(
                                PosixFilePermissions.fromString("rwx------")));
            }
            Path state = path(description, STATE);
            int fd = Fd.open(state.toString(), Fd.O_RDWR | Fd.O_CREAT | Fd.O_EXCL, 0600);
            try {
                DurableFiles.check(Fd.fallocate(fd, 0, 0, STATE_LENGTH), "space for an open file");
            } finally {
                Fd.close(fd);
            }
            DurableFiles.writeNoLink(path(description, RECORD), description.encode());
        } catch (IOException e) {
            remove(description);
            throw e instanceof ErrnoException known
                    ? known
                    : FileErrors.of(e, "an open file cannot be noted in the run directory");
        }
    }

    /** For reading and writing; the caller's. */
    int openState(FileDescription description) throws ErrnoException {
        return Fd.open(path(description, STATE).toString(), Fd.O_RDWR | Fd.O_NOFOLLOW, 0);
    }

    void remove(FileDescription description) {
        try {
            Files.deleteIfExists(path(description, RECORD));
            Files.deleteIfExists(path(description, STATE));
        } catch (IOException e) {
            LOG.warn("what was noted of an open file stays: {}", e.toString());
        }
    }

    /** Those of the broker before. What is damaged is left out, and removed. */
    List<FileDescription> load() throws ErrnoException {
        List<FileDescription> found = new ArrayList<>();
        if (!Files.isDirectory(folder, LinkOption.NOFOLLOW_LINKS)) {
            return found;
        }
        try (Stream<Path> files = Files.list(folder)) {
            for (Path file : files.filter(f -> f.toString().endsWith(RECORD)).toList()) {
                try {
                    found.add(FileDescription.decode(Files.readAllBytes(file)));
                } catch (IOException e) {
                    LOG.warn("{} is left out: {}", file, e.toString());
                    Files.deleteIfExists(file);
                }
            }
        } catch (IOException e) {
            throw FileErrors.of(e, folder + " cannot be read");
        }
        return found;
    }

    void removeAll() throws ErrnoException {
        try {
            if (Files.exists(folder, LinkOption.NOFOLLOW_LINKS)) {
                DurableFiles.deleteTree(folder);
            }
        } catch (IOException e) {
            throw FileErrors.of(e, folder + " cannot be removed");
        }
    }

    private Path path(FileDescription description, String ending) {
        return folder.resolve(Long.toHexString(description.id()) + ending);
    }
}
