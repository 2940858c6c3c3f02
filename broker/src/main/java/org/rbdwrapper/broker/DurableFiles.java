package org.rbdwrapper.broker;

import org.rbdwrapper.ipc.Errno;
import org.rbdwrapper.ipc.ErrnoException;
import org.rbdwrapper.ipc.posix.Fd;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;

/** What java.nio.file lacks for files that must survive the host's crash. Any thread. */
public final class DurableFiles {
    private DurableFiles() {}

    /** fsync(2) of a file, or of a folder: then of the names in it. */
    public static void sync(Path path) throws ErrnoException {
        int fd = Fd.open(path.toString(), Fd.O_RDONLY, 0);
        try {
            check(Fd.fsync(fd), "fsync " + path);
        } finally {
            Fd.close(fd);
        }
    }

    /** Renames in one step; durable when it returns. Both lie in one file system. */
    public static void move(Path from, Path to) throws IOException {
        Files.move(from, to, StandardCopyOption.ATOMIC_MOVE);
        sync(to.toAbsolutePath().getParent());
        if (!from.toAbsolutePath().getParent().equals(to.toAbsolutePath().getParent())) {
            sync(from.toAbsolutePath().getParent());
        }
    }

    /**
     * Makes a folder and those above it that are missing; the names of those that it makes are
     * durable then.
     */
    public static void makeDirectories(Path folder) throws IOException {
        if (Files.isDirectory(folder)) {
            return;
        }
        Path parent = folder.toAbsolutePath().getParent();
        makeDirectories(parent);
        Files.createDirectories(folder);
        sync(parent);
    }

    /**
     * Makes the name of a folder durable that is there: who made it may have been killed before it
     * could. Not where the folder above cannot be read: the name is then nobody's of ours.
     */
    public static void syncName(Path folder) throws ErrnoException {
        Path parent = folder.toAbsolutePath().getParent();
        if (parent != null && Files.isReadable(parent)) {
            sync(parent);
        }
    }

    /**
     * Writes a file anew, which must not be a link.
     *
     * @throws IOException also where it is one (too many levels of symbolic links).
     */
    public static void writeNoLink(Path file, byte[] bytes) throws IOException {
        OpenOption[] options = {
            StandardOpenOption.WRITE,
            StandardOpenOption.CREATE,
            StandardOpenOption.TRUNCATE_EXISTING,
            LinkOption.NOFOLLOW_LINKS
        };
        Files.write(file, bytes, options);
    }

    /** Deletes a folder with all that is in it; a link is deleted, not what it points to. */
    public static void deleteTree(Path folder) throws IOException {
        List<Path> paths;
        try (Stream<Path> walk = Files.walk(folder)) {
            paths = walk.sorted(Comparator.reverseOrder()).toList();
        } catch (UncheckedIOException e) {
            throw e.getCause();
        }
        for (Path path : paths) {
            Files.deleteIfExists(path);
        }
    }

    /**
     * @param result of a call of {@link Fd}: a negative error number is thrown.
     */
    public static void check(int result, String what) throws ErrnoException {
        if (result < 0) {
            throw new ErrnoException(Errno.of(result), what);
        }
    }
}
