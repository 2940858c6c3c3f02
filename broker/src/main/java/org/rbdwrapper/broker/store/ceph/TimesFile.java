package org.rbdwrapper.broker.store.ceph;

import org.rbdwrapper.broker.DurableFiles;
import org.rbdwrapper.broker.LogLimiter;
import org.rbdwrapper.broker.store.ImageTimes;
import org.rbdwrapper.ipc.ErrnoException;
import org.rbdwrapper.ipc.posix.Fd;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.zip.CRC32C;

/**
 * Where the times of one image outlive the broker. Numbers are big endian.
 *
 * <pre>
 *   0         8          16         24         32        40        48          56       64
 *   +---------+----------+----------+----------+---------+---------+-----------+--------+
 *   | version | accessed | modified | changed  | created | header  | ownUpdate | CRC32C |
 *   | isOpen  |          |          |          |         |         |           |        |
 *   +---------+----------+----------+----------+---------+---------+-----------+--------+
 * </pre>
 *
 * <p>While the image is open for writing the file says no more than that, and has said it durably:
 * its times are in memory alone, and a broker that finds it so takes the image for changed. Written
 * in place, within a sector; what is damaged counts as open.
 *
 * <p>Its image's lock guards it. Failures are logged: an image can be written though its times
 * cannot be kept.
 */
final class TimesFile {
    private static final Logger LOG = LoggerFactory.getLogger(TimesFile.class);
    private static final LogLimiter COMPLAINTS = new LogLimiter(1, 60_000_000_000L);
    private static final int LENGTH = 64;
    private static final int CHECKED = 56;
    private static final int VERSION = 1;

    /** Null: nothing is kept. */
    private final Path path;

    /**
     * What it says.
     *
     * @param isOpen for writing: the times are from before that.
     * @param header see {@link KeptTimes}; as ownUpdate.
     */
    record Kept(boolean isOpen, ImageTimes times, long header, long ownUpdate) {}

    TimesFile(Path path) {
        this.path = path;
    }

    /** Null where there is none. What is damaged is open, and has no times. */
    Kept read() {
        if (path == null || !Files.exists(path)) {
            return null;
        }
        try {
            byte[] bytes = Files.readAllBytes(path);
            if (bytes.length == LENGTH && ByteBuffer.wrap(bytes).getLong(CHECKED) == sum(bytes)) {
                ByteBuffer from = ByteBuffer.wrap(bytes);
                int version = from.getInt();
                boolean isOpen = from.getInt() != 0;
                ImageTimes times =
                        new ImageTimes(
                                from.getLong(), from.getLong(), from.getLong(), from.getLong());
                if (version == VERSION) {
                    return new Kept(isOpen, times, from.getLong(), from.getLong());
                }
            }
        } catch (IOException e) {
            complain(e);
        }
        return new Kept(true, new ImageTimes(0, 0, 0, 0), 0, 0);
    }

    /** It is there as soon as the broker dies, and perhaps not after the host. */
    void write(Kept record) {
        write(record, false);
    }

    /** Blocks until the disk has it. */
    void writeDurably(Kept record) {
        write(record, true);
    }

    /** Its image is no more. */
    void delete() {
        try {
            if (path != null) {
                Files.deleteIfExists(path);
            }
        } catch (IOException e) {
            complain(e);
        }
    }

    private void write(Kept record, boolean durably) {
        if (path == null) {
            return;
        }
        try {
            boolean isNew = !Files.exists(path);
            if (isNew) {
                DurableFiles.makeDirectories(path.getParent());
            }
            int fd = Fd.open(path.toString(), Fd.O_RDWR | Fd.O_CREAT | Fd.O_NOFOLLOW, 0600);
            try {
                put(fd, encode(record));
                if (durably) {
                    DurableFiles.check(Fd.fdatasync(fd), "fdatasync");
                }
            } finally {
                Fd.close(fd);
            }
            if (isNew && durably) {
                DurableFiles.sync(path.getParent());
            }
        } catch (IOException e) {
            complain(e);
        }
    }

    private static void put(int fd, byte[] bytes) throws ErrnoException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment memory = arena.allocate(LENGTH);
            MemorySegment.copy(MemorySegment.ofArray(bytes), 0, memory, 0, LENGTH);
            DurableFiles.check((int) Fd.pwrite(fd, memory.address(), LENGTH, 0), "write");
        }
    }

    private static byte[] encode(Kept record) {
        byte[] bytes = new byte[LENGTH];
        ByteBuffer.wrap(bytes)
                .putInt(VERSION)
                .putInt(record.isOpen ? 1 : 0)
                .putLong(record.times.accessed())
                .putLong(record.times.modified())
                .putLong(record.times.changed())
                .putLong(record.times.created())
                .putLong(record.header)
                .putLong(record.ownUpdate)
                .putLong(CHECKED, sum(bytes));
        return bytes;
    }

    private static long sum(byte[] bytes) {
        CRC32C sum = new CRC32C();
        sum.update(bytes, 0, CHECKED);
        return sum.getValue();
    }

    private void complain(IOException e) {
        synchronized (COMPLAINTS) {
            COMPLAINTS.run(
                    () ->
                            LOG.warn(
                                    "the times of an image cannot be kept in {} ({}): see that"
                                            + " there is room and that it is writable; after the"
                                            + " broker's death they may be too old",
                                    path,
                                    e.toString()));
        }
    }
}
