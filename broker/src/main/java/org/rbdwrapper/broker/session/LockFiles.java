package org.rbdwrapper.broker.session;

import static java.nio.charset.StandardCharsets.UTF_8;

import org.rbdwrapper.broker.DurableFiles;
import org.rbdwrapper.broker.FileErrors;
import org.rbdwrapper.broker.RunDirectory;
import org.rbdwrapper.broker.store.ImageRef;
import org.rbdwrapper.ipc.ErrnoException;
import org.rbdwrapper.ipc.posix.Fd;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.UUID;

/**
 * By what the programs of this host lock parts of an image against each other: a file for each
 * image that somebody has locked. The kernel does the locking, with all that belongs to it
 * (deadlocks found, locks of the dead released), and the broker never looks at it.
 *
 * <p>The next broker of the run directory finds them where clients come back to it: a lock that one
 * has holds against those who come new. They are pipes, as nobody whom they are given to can put
 * more into these than their kernel buffers hold.
 *
 * <p>Conductor's thread.
 */
public final class LockFiles {
    private static final Logger LOG = LoggerFactory.getLogger(LockFiles.class);

    private final Path folder;
    private final Map<ImageRef, Integer> descriptors = new HashMap<>();

    private LockFiles(Path folder) {
        this.folder = folder;
    }

    /**
     * @param keep those of the broker before, as some of its clients are there.
     */
    static LockFiles of(Path runDir, boolean keep) throws ErrnoException {
        if (!keep || !Files.isDirectory(folder(runDir), LinkOption.NOFOLLOW_LINKS)) {
            removeAll(runDir);
        }
        return new LockFiles(folder(runDir));
    }

    /** The image's file, open for reading and writing, which stays this object's. */
    int descriptorOf(ImageRef image) throws ErrnoException {
        Integer known = descriptors.get(image);
        if (known != null) {
            return known;
        }
        Path file = file(image);
        try {
            if (!Files.isDirectory(folder, LinkOption.NOFOLLOW_LINKS)) {
                Files.createDirectory(folder, withMode("rwx------"));
            }
            if (!Files.exists(file, LinkOption.NOFOLLOW_LINKS)) {
                Fd.makePipe(file.toString(), 0600);
                // for who has it from the broker, whoever that is: the folder keeps others away
                Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-rw-rw-"));
            }
        } catch (IOException e) {
            throw FileErrors.of(e, "the lock file of " + image + " cannot be made");
        }
        int opened = Fd.open(file.toString(), Fd.O_RDWR | Fd.O_NOFOLLOW, 0);
        descriptors.put(image, opened);
        return opened;
    }

    /** The image is not mapped any more: nobody has it open. */
    void forget(ImageRef image) {
        Integer known = descriptors.remove(image);
        try {
            if (known != null) {
                Fd.close(known);
            }
            Files.deleteIfExists(file(image));
        } catch (ErrnoException e) {
            LOG.warn("lock file of {}: {}", image, e.describe());
        } catch (IOException e) {
            LOG.warn("lock file of {}: {}", image, e.toString());
        }
    }

    private Path file(ImageRef image) {
        // a name of any characters and length: by its digest
        return folder.resolve(UUID.nameUUIDFromBytes(image.key().getBytes(UTF_8)).toString());
    }

    private static Path folder(Path runDir) {
        return runDir.resolve(RunDirectory.LOCKS);
    }

    private static FileAttribute<Set<PosixFilePermission>> withMode(String mode) {
        return PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString(mode));
    }

    static void removeAll(Path runDir) throws ErrnoException {
        Path folder = folder(runDir);
        try {
            if (Files.exists(folder, LinkOption.NOFOLLOW_LINKS)) {
                DurableFiles.deleteTree(folder);
            }
        } catch (IOException e) {
            throw FileErrors.of(e, folder + " cannot be removed");
        }
    }
}
