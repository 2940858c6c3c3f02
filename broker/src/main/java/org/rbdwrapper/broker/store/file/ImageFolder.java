package org.rbdwrapper.broker.store.file;

import org.rbdwrapper.broker.Clock;
import org.rbdwrapper.broker.DurableFiles;
import org.rbdwrapper.ipc.Errno;
import org.rbdwrapper.ipc.ErrnoException;
import org.rbdwrapper.ipc.ImageSpec;
import org.rbdwrapper.ipc.posix.Fd;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.concurrent.ThreadLocalRandom;

/**
 * An image on the disk: a folder with its bytes and its description. It is made whole elsewhere and
 * comes to its place by a rename, and it goes by one before its bytes are deleted: what a crash
 * leaves is whole, or not an image.
 */
record ImageFolder(Path path) {
    private static final String DATA_NAME = "data";

    Path data() {
        return path.resolve(DATA_NAME);
    }

    boolean exists() {
        return Files.isDirectory(path);
    }

    /**
     * Of the image, in bytes.
     *
     * @throws ErrnoException EIO where there is no such file: the image is there, and damaged.
     */
    long size() throws IOException {
        if (!Files.isRegularFile(data(), LinkOption.NOFOLLOW_LINKS)) {
            throw new ErrnoException(
                    Errno.EIO, "there is no file " + data() + ", which had its bytes");
        }
        return Files.size(data());
    }

    ImageMeta meta() throws ErrnoException {
        return ImageMeta.read(path);
    }

    /**
     * Durable when it returns; all that it does is below {@code unfinished} until the last step.
     *
     * @param unfinished a name in the same file system that is free.
     */
    void create(ImageSpec spec, long size, Path unfinished) throws IOException {
        try {
            ImageFolder made = new ImageFolder(Files.createDirectory(unfinished));
            int flags = Fd.O_RDWR | Fd.O_CREAT | Fd.O_EXCL;
            int fd = Fd.open(made.data().toString(), flags, 0600);
            try {
                DurableFiles.check(Fd.ftruncate(fd, size), "a file of " + size + " bytes");
                DurableFiles.check(Fd.fsync(fd), "fsync");
            } finally {
                Fd.close(fd);
            }
            String id = String.format("%016x", ThreadLocalRandom.current().nextLong());
            new ImageMeta(spec.image(), id, Clock.epochNanos()).write(unfinished);
            DurableFiles.sync(unfinished);
            DurableFiles.makeDirectories(path.getParent());
            DurableFiles.syncName(path.getParent());
            DurableFiles.move(unfinished, path);
        } catch (IOException e) {
            if (Files.exists(unfinished)) {
                DurableFiles.deleteTree(unfinished);
            }
            throw e;
        }
    }

    /**
     * It is no image any more when this returns, and that is durable; its bytes are still to be
     * deleted.
     */
    void moveAway(Path unfinished) throws IOException {
        DurableFiles.move(path, unfinished);
    }
}
