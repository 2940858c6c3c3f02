package org.rbdwrapper.broker.store.file;

import org.rbdwrapper.broker.DurableFiles;
import org.rbdwrapper.broker.FileErrors;
import org.rbdwrapper.broker.LogLimiter;
import org.rbdwrapper.broker.store.ImageTimes;
import org.rbdwrapper.ipc.Errno;
import org.rbdwrapper.ipc.ErrnoException;
import org.rbdwrapper.ipc.ImageSpec;
import org.rbdwrapper.ipc.codec.IoOp;
import org.rbdwrapper.ipc.posix.Fd;
import org.rbdwrapper.ipc.posix.FileTimes;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.io.IOException;
import java.nio.file.Path;

/**
 * The I/O of an image's file, open once however many have the image open. The image is as long as
 * its file.
 *
 * <p>Any thread; I/O takes no lock and allocates nothing. Results are bytes done, fewer than asked
 * for where an error came after some, or a negative error number.
 */
final class FileImage {
    static final int OBJECT_SIZE = 4 * 1024 * 1024;

    private static final Logger LOG = LoggerFactory.getLogger(FileImage.class);

    /** Of a transfer: others' requests wait for no longer than so many bytes take. */
    static final long TRANSFER_PIECE = 1024 * 1024;

    /** Of what is only freed; a fragmented file has at most 16 Ki blocks in it. */
    static final long ZERO_PIECE = 64 * 1024 * 1024;

    private static final int PUNCH_HOLE = Fd.FALLOC_FL_PUNCH_HOLE | Fd.FALLOC_FL_KEEP_SIZE;

    private final ImageSpec spec;
    private final String id;
    private final long createdAtNanos;
    private final FileCalls calls;
    private final int fd;
    private volatile long size;
    private volatile boolean canFree = true;

    /** Guards the calls that may be told of lost writes, and what they were told. */
    private final Object syncLock = new Object();

    private int flushFailure;

    /** Guarded by its lane, as is the next. */
    final LanePlace transfers = new LanePlace();

    final LanePlace flushes = new LanePlace();

    /** Guarded by itself. */
    private final LogLimiter complaints = new LogLimiter(1, 60_000_000_000L);

    /** Openings; guarded by the store. */
    int opens;

    FileImage(ImageSpec spec, ImageFolder folder, FileCalls calls) throws ErrnoException {
        this.spec = spec;
        this.calls = calls;
        ImageMeta meta = folder.meta();
        this.id = meta.id();
        this.createdAtNanos = meta.createdAtNanos();
        Path data = folder.data();
        try {
            this.size = folder.size();
            this.fd = Fd.open(data.toString(), Fd.O_RDWR | Fd.O_NOFOLLOW, 0);
        } catch (IOException e) {
            throw FileErrors.of(e, "image " + spec + " cannot be opened");
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

    long read(long address, long position, long length) {
        long done = 0;
        while (done < length) {
            long n = calls.pread(fd, address + done, length - done, position + done);
            if (n <= 0 && n != -Errno.EINTR.number()) {
                return done > 0 ? done : n; // 0: the image has become shorter
            }
            done += Math.max(n, 0);
        }
        return done;
    }

    long write(long address, long position, long length) {
        long done = 0;
        while (done < length) {
            long n = calls.pwrite(fd, address + done, length - done, position + done);
            if (n <= 0 && n != -Errno.EINTR.number()) {
                onWriteFailure((int) n);
                return done > 0 ? done : n;
            }
            done += Math.max(n, 0);
        }
        return position + done > size ? cutBack(position) : done;
    }

    /**
     * @return bytes, of which one request should ask for no more at a time: others wait meanwhile.
     */
    long pieceLength(IoOp op) {
        boolean freed = op != IoOp.READ && op != IoOp.WRITE && canFree;
        return freed ? ZERO_PIECE : TRANSFER_PIECE;
    }

    /** Frees the range, so that it reads as zeroes; writes them where a file system cannot. */
    long zero(long position, long length) {
        if (canFree) {
            int result = calls.fallocate(fd, PUNCH_HOLE, position, length);
            if (result == 0) {
                return length;
            }
            if (result != -Errno.EOPNOTSUPP.number() && result != -Errno.ENOSYS.number()) {
                return result;
            }
            canFree = false;
        }
        long done = 0;
        while (done < Math.min(length, TRANSFER_PIECE)) {
            long n = write(Zeroes.ADDRESS, position + done, Math.min(Zeroes.LENGTH, length - done));
            if (n <= 0) {
                return done > 0 ? done : n;
            }
            done += n;
        }
        return done;
    }

    /**
     * Makes all that was written before durable: 0, or a negative error number. Fails for good once
     * it has failed: the kernel reports the loss of what it could not write once, and takes it for
     * clean from then on.
     */
    long flush() {
        synchronized (syncLock) {
            if (flushFailure == 0) {
                onSynced(calls.fdatasync(fd));
            }
            return flushFailure;
        }
    }

    /**
     * Durable when it returns.
     *
     * @throws ErrnoException EINVAL where it would become shorter and may not.
     */
    void resize(long newSize, boolean allowShrink) throws ErrnoException {
        String what = "image " + spec + " cannot be resized to " + newSize + " bytes";
        setSize(newSize, allowShrink, what);
        int result;
        synchronized (syncLock) { // or this call is told of lost writes, and a flush is not
            result = calls.fsync(fd);
            onSynced(result);
        }
        DurableFiles.check(result, what);
    }

    private synchronized void setSize(long newSize, boolean allowShrink, String what)
            throws ErrnoException {
        long oldSize = size;
        if (newSize < oldSize && !allowShrink) {
            throw new ErrnoException(
                    Errno.EINVAL, "image " + spec + " would shrink, say so with --allow-shrink");
        }
        size = Math.min(oldSize, newSize); // first: a write on its way sees it, and cuts back
        int result = Fd.ftruncate(fd, newSize);
        size = result == 0 ? newSize : oldSize;
        DurableFiles.check(result, what);
    }

    /** With the lock of these calls. */
    private void onSynced(int result) {
        if (result < 0 && flushFailure == 0) {
            flushFailure = result;
            LOG.error(
                    "image {} cannot be flushed ({}): what was written to it since the last flush"
                            + " may be lost, and no flush succeeds until it is opened anew",
                    spec,
                    Errno.of(result));
        }
    }

    /** The file's own, which the kernel keeps. */
    ImageTimes times() {
        try {
            FileTimes of = FileTimes.of(fd);
            return new ImageTimes(of.accessed(), of.modified(), of.changed(), createdAtNanos);
        } catch (ErrnoException e) {
            throw new IllegalStateException("a file that we have open has no times", e);
        }
    }

    /** It was changed otherwise than by a write. */
    void touch() {
        try {
            FileTimes.set(fd, FileTimes.OMIT, FileTimes.NOW);
        } catch (ErrnoException e) {
            onWriteFailure(-e.errno().number());
        }
    }

    void setTimes(long accessed, long modified) throws ErrnoException {
        try {
            FileTimes.set(fd, accessed, modified);
        } catch (ErrnoException e) {
            throw new ErrnoException(e.errno(), "times of image " + spec + " cannot be set", e);
        }
    }

    void closeFile() throws ErrnoException {
        Fd.close(fd);
    }

    /** The program hears of each; a line now and then is for whoever can make room. */
    private void onWriteFailure(int result) {
        synchronized (complaints) {
            complaints.run(
                    () ->
                            LOG.warn(
                                    "image {} cannot be written ({}): is there room on the disk of"
                                            + " the image directory?",
                                    spec,
                                    Errno.of(result)));
        }
    }

    /** The image was made shorter while something was written behind its new end. */
    private synchronized long cutBack(long position) {
        long end = size;
        int result = Fd.ftruncate(fd, end);
        if (result < 0) {
            return result;
        }
        return end > position ? end - position : -Errno.EINVAL.number();
    }
}
