package org.rbdwrapper.broker.map;

import net.openhft.chronicle.bytes.Bytes;
import net.openhft.chronicle.queue.ChronicleQueue;
import net.openhft.chronicle.queue.ExcerptAppender;
import net.openhft.chronicle.queue.RollCycles;
import net.openhft.chronicle.queue.impl.single.SingleChronicleQueueBuilder;

import org.rbdwrapper.broker.DurableFiles;
import org.rbdwrapper.broker.FileErrors;
import org.rbdwrapper.ipc.Errno;
import org.rbdwrapper.ipc.ErrnoException;
import org.rbdwrapper.ipc.posix.Fd;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Appends to one journal: a queue that this broker has made and nobody else opens.
 *
 * <p>A record is written through a mapping of the file. So it survives the death of the process as
 * soon as it is written, and that of the host once the file is synced, which the queue's own sync
 * does not do (it is an msync with MS_ASYNC): {@link #sync} does.
 *
 * <p>The blocks of its files are allocated when they are made. A full disk is then found here and
 * has its number; found by a write to the mapping it is a SIGBUS. There is one file of records: the
 * queue's clock stands still, so that it never rolls to the next.
 *
 * <p>Used by one thread at a time.
 */
final class JournalWriter implements AutoCloseable {
    /** What the queue calls its file of the day 0. */
    static final String FILE_NAME = "19700101F.cq4";

    private static final String TABLE_NAME = "metadata.cq4t";
    private static final long TABLE_LENGTH = 128 * 1024;
    private static final long MIN_BLOCK_LENGTH = 256 * 1024;

    /** The queue maps so much more than a block: a page here, at most one of 64 KiB. */
    private static final long OVERLAP = 64 * 1024;

    /** Of a block: the queue's header, and its indexes of many times as many records as fit. */
    private static final long QUEUES_OWN = 32 * 1024;

    /** Of a record: its header, and padding to a multiple of 4. */
    private static final int RECORD_OVERHEAD = 8;

    private static final int INDEX_COUNT = 256;
    private static final int INDEX_SPACING = 64;

    static {
        // all are read when the queue's classes are loaded. A file of that name in the working
        // directory or above it would be taken for our system properties, whoever has put it there
        System.setProperty("system.properties", "/dev/null");
        // no advertisement in the log, and no thread that polls for space on the disk
        System.setProperty("chronicle.announcer.disable", "true");
        System.setProperty("chronicle.disk.monitor.disable", "true");
    }

    private final Path folder;
    private final long capacity;
    private ChronicleQueue queue;
    private ExcerptAppender appender;
    private int fd = -1;
    private int sequence;
    private long used;

    private JournalWriter(Path folder, long capacity) {
        this.folder = folder;
        this.capacity = capacity;
    }

    /**
     * Begins a journal that starts from these mappings. It is durable when this returns, but for
     * the name of its folder.
     *
     * @param folder empty.
     */
    static JournalWriter create(Path folder, List<Mapping> mappings) throws ErrnoException {
        List<MapRecord> records = new ArrayList<>();
        records.add(MapRecord.begin(mappings.size()));
        mappings.forEach(mapping -> records.add(MapRecord.mapped(mapping)));
        long length = 0;
        for (MapRecord record : records) {
            length += record.encode(0).length + RECORD_OVERHEAD;
        }
        long blockLength = MIN_BLOCK_LENGTH;
        while (blockLength - QUEUES_OWN < 2 * length) {
            blockLength *= 2; // room for as many changes again
        }
        JournalWriter writer = new JournalWriter(folder, blockLength - QUEUES_OWN);
        try {
            writer.openQueue(blockLength);
            writer.write(records.removeFirst()); // makes the file
            writer.openFile();
            for (MapRecord record : records) {
                writer.write(record);
            }
            writer.sync();
            DurableFiles.sync(folder);
            return writer;
        } catch (ErrnoException e) {
            try {
                writer.close();
            } catch (ErrnoException close) {
                e.addSuppressed(close);
            }
            throw e;
        }
    }

    /** False: it is time to begin a new one. */
    boolean hasRoomFor(MapRecord record) {
        return used + record.encode(sequence).length + RECORD_OVERHEAD <= capacity;
    }

    /** Appends one record; it is durable when this returns. */
    void append(MapRecord record) throws ErrnoException {
        write(record);
        sync();
    }

    @Override
    public void close() throws ErrnoException {
        if (queue != null) {
            queue.close(); // and its appender
            queue = null;
        }
        if (fd >= 0) {
            int open = fd;
            fd = -1;
            Fd.close(open);
        }
    }

    /**
     * Of a small journal.
     *
     * @throws ErrnoException ENOSPC and others of the disk.
     */
    static void allocateFiles(Path folder) throws ErrnoException {
        allocate(folder.resolve(TABLE_NAME), 0, TABLE_LENGTH);
        allocateRecords(folder, MIN_BLOCK_LENGTH);
    }

    /** Blocks but no length: the queue makes its header only where the file is empty. */
    private static void allocateRecords(Path folder, long blockLength) throws ErrnoException {
        allocate(folder.resolve(FILE_NAME), Fd.FALLOC_FL_KEEP_SIZE, blockLength + OVERLAP);
    }

    private void openQueue(long blockLength) throws ErrnoException {
        allocate(folder.resolve(TABLE_NAME), 0, TABLE_LENGTH);
        try {
            queue =
                    SingleChronicleQueueBuilder.binary(folder)
                            .rollCycle(RollCycles.FAST_DAILY)
                            .timeProvider(() -> 0)
                            .blockSize(blockLength)
                            .indexCount(INDEX_COUNT)
                            .indexSpacing(INDEX_SPACING)
                            .build();
            appender = queue.createAppender();
            // made by one thread and used by another, never by two at a time
            appender.singleThreadedCheckDisabled(true);
            // not before: a file that the appender finds it takes for one that somebody else is
            // making, and waits for that; and not later: the first record is written to its mapping
            allocateRecords(folder, blockLength);
        } catch (ErrnoException e) {
            throw e;
        } catch (RuntimeException | InternalError e) {
            throw failure(e);
        }
    }

    private void openFile() throws ErrnoException {
        Path file = folder.resolve(FILE_NAME);
        fd = Fd.open(file.toString(), Fd.O_RDWR, 0);
        try {
            allocate(fd, 0, Files.size(file), file);
        } catch (ErrnoException e) {
            throw e;
        } catch (IOException e) {
            throw failure(e);
        }
    }

    private void write(MapRecord record) throws ErrnoException {
        byte[] bytes = record.encode(sequence);
        try {
            appender.writeBytes(Bytes.wrapForRead(bytes));
        } catch (RuntimeException | InternalError e) {
            throw failure(e); // InternalError: how the JVM reports a SIGBUS
        }
        sequence++;
        used += bytes.length + RECORD_OVERHEAD;
    }

    private void sync() throws ErrnoException {
        DurableFiles.check(Fd.fdatasync(fd), "fdatasync " + folder.resolve(FILE_NAME));
    }

    private static void allocate(Path file, int mode, long length) throws ErrnoException {
        int fd = Fd.open(file.toString(), Fd.O_RDWR | Fd.O_CREAT, 0600);
        try {
            allocate(fd, mode, length, file);
        } finally {
            Fd.close(fd);
        }
    }

    private static void allocate(int fd, int mode, long length, Path file) throws ErrnoException {
        int result = Fd.fallocate(fd, mode, 0, length);
        if (result != -Errno.EOPNOTSUPP.number()) { // of some network file systems
            DurableFiles.check(result, "allocation of " + length + " bytes for " + file);
        }
    }

    private ErrnoException failure(Throwable e) {
        return new ErrnoException(FileErrors.causeOf(e), "queue in " + folder + " (" + e + ")", e);
    }
}
