package org.rbdwrapper.broker.store.file;

import org.rbdwrapper.broker.Clock;
import org.rbdwrapper.broker.FileErrors;
import org.rbdwrapper.broker.store.IoCompletion;
import org.rbdwrapper.ipc.Errno;
import org.rbdwrapper.ipc.ErrnoException;
import org.rbdwrapper.ipc.ImageSpec;
import org.rbdwrapper.ipc.codec.IoOp;
import org.rbdwrapper.ipc.posix.Fd;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadLocalRandom;

/**
 * An image's file, open once however many have the image open.
 *
 * <p>Short reads and writes are done on the caller's thread, where the page cache answers in a
 * microsecond or takes the bytes in one; what may take long (large transfers, flushes, discards) is
 * done by the store's threads, so that a messenger is not held up.
 */
final class FileImage {
    static final String DATA_FILE_NAME = "data";
    static final int OBJECT_SIZE = 4 * 1024 * 1024;

    /** As long as copying takes no longer than handing over. */
    private static final int MAX_INLINE = 128 * 1024;

    private final ImageSpec spec;
    private final String id;
    private final int fd;
    private final ExecutorService slow;
    private volatile long size;

    /** Guarded by the store. */
    int opens;

    FileImage(ImageSpec spec, Path folder, ExecutorService slow) throws ErrnoException {
        this.spec = spec;
        this.slow = slow;
        this.id = ImageMeta.read(folder).id();
        try {
            this.size = Files.size(folder.resolve(DATA_FILE_NAME));
        } catch (IOException e) {
            throw FileErrors.of(e, "image " + spec + " cannot be opened");
        }
        this.fd = Fd.open(folder.resolve(DATA_FILE_NAME).toString(), Fd.O_RDWR, 0);
    }

    /** Makes the folder complete under another name, and then gives it its own. */
    static void create(ImageSpec spec, Path folder, long size) throws ErrnoException {
        Path unfinished = unfinished(folder);
        try {
            Files.createDirectories(unfinished);
            int fd =
                    Fd.open(
                            unfinished.resolve(DATA_FILE_NAME).toString(),
                            Fd.O_RDWR | Fd.O_CREAT | Fd.O_EXCL,
                            0600);
            try {
                check(Fd.ftruncate(fd, size), "size of " + size + " bytes");
                check(Fd.fsync(fd), "fsync");
            } finally {
                Fd.close(fd);
            }
            String id = String.format("%016x", ThreadLocalRandom.current().nextLong());
            new ImageMeta(spec.image(), id, Clock.epochNanos()).write(unfinished);
            sync(unfinished.resolve(ImageMeta.FILE_NAME));
            sync(unfinished);
            Files.move(unfinished, folder, StandardCopyOption.ATOMIC_MOVE);
            for (Path parent = folder.getParent();
                    parent != null && Files.isWritable(parent);
                    parent = parent.getParent()) {
                sync(parent);
                if (parent.getFileName() == null
                        || parent.getNameCount() <= folder.getNameCount() - 3) {
                    break; // the image's folder, its namespace's and its pool's may all be new
                }
            }
        } catch (IOException e) {
            removeUnfinished(unfinished);
            throw FileErrors.of(e, "image " + spec + " cannot be created");
        }
    }

    static void remove(ImageSpec spec, Path folder) throws ErrnoException {
        Path unfinished = unfinished(folder);
        try {
            Files.move(folder, unfinished, StandardCopyOption.ATOMIC_MOVE);
            sync(folder.getParent());
            FileNames.deleteTree(unfinished);
        } catch (IOException e) {
            throw FileErrors.of(e, "image " + spec + " cannot be removed");
        }
    }

    ImageSpec spec() {
        return spec;
    }

    String id() {
        return id;
    }

    long size() {
        return size;
    }

    void resize(long newSize) throws ErrnoException {
        if (newSize < size) {
            size = newSize;
        }
        int result = Fd.ftruncate(fd, newSize);
        if (result == 0) {
            result = Fd.fsync(fd);
        }
        if (result < 0) {
            throw new ErrnoException(
                    Errno.of(result),
                    "image " + spec + " cannot be resized to " + newSize + " bytes");
        }
        size = newSize;
    }

    void submit(IoOp op, long address, long position, long length, IoCompletion completion) {
        if ((op == IoOp.READ || op == IoOp.WRITE) && length <= MAX_INLINE) {
            completion.onComplete(transfer(op, address, position, length));
            return;
        }
        try {
            slow.execute(() -> completion.onComplete(perform(op, address, position, length)));
        } catch (RejectedExecutionException e) {
            completion.onComplete(-Errno.ESHUTDOWN.number());
        }
    }

    void closeFile() throws ErrnoException {
        Fd.close(fd);
    }

    private long perform(IoOp op, long address, long position, long length) {
        return switch (op) {
            case READ, WRITE -> transfer(op, address, position, length);
            case FLUSH -> Fd.fdatasync(fd);
            case DISCARD ->
                    zero(Fd.FALLOC_FL_PUNCH_HOLE | Fd.FALLOC_FL_KEEP_SIZE, position, length);
            case WRITE_ZEROES ->
                    zero(Fd.FALLOC_FL_ZERO_RANGE | Fd.FALLOC_FL_KEEP_SIZE, position, length);
            case NULL_VAL -> -Errno.EINVAL.number();
        };
    }

    /** Bytes done, or a negative error number where none was. */
    private long transfer(IoOp op, long address, long position, long length) {
        long done = 0;
        while (done < length) {
            long n =
                    op == IoOp.READ
                            ? Fd.pread(fd, address + done, length - done, position + done)
                            : Fd.pwrite(fd, address + done, length - done, position + done);
            if (n == -Errno.EINTR.number()) {
                continue;
            }
            if (n < 0) {
                return done > 0 ? done : n;
            }
            if (n == 0) {
                break;
            }
            done += n;
        }
        return done;
    }

    /** Not every file system can do it in place: then zeroes are written. */
    private long zero(int mode, long position, long length) {
        int result = Fd.fallocate(fd, mode, position, length);
        if (result == -Errno.EOPNOTSUPP.number() || result == -Errno.ENOSYS.number()) {
            return Zeroes.write(fd, position, length);
        }
        return result < 0 ? result : length;
    }

    private static Path unfinished(Path folder) {
        return folder.resolveSibling(
                FileNames.UNFINISHED + Long.toHexString(ThreadLocalRandom.current().nextLong()));
    }

    private static void removeUnfinished(Path unfinished) throws ErrnoException {
        try {
            if (Files.exists(unfinished)) {
                FileNames.deleteTree(unfinished);
            }
        } catch (IOException e) {
            throw FileErrors.of(e, "the unfinished folder " + unfinished + " cannot be removed");
        }
    }

    private static void sync(Path path) throws ErrnoException {
        int fd = Fd.open(path.toString(), Fd.O_RDONLY, 0);
        try {
            check(Fd.fsync(fd), "fsync " + path);
        } finally {
            Fd.close(fd);
        }
    }

    private static void check(int result, String what) throws ErrnoException {
        if (result < 0) {
            throw new ErrnoException(Errno.of(result), what);
        }
    }
}
