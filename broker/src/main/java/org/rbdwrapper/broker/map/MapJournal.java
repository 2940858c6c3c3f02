package org.rbdwrapper.broker.map;

import org.rbdwrapper.broker.FileErrors;
import org.rbdwrapper.ipc.Errno;
import org.rbdwrapper.ipc.ErrnoException;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.TreeMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.function.Consumer;

/**
 * The image map's memory: each change is appended before it is acknowledged, and all are replayed
 * at start.
 *
 * <p>What {@link #appendMapped} or {@link #appendUnmapped} has returned from survives the death of
 * the broker and of the host. Where a journal is damaged, the replay ends: what stood before
 * counts, and the damaged one is kept aside.
 *
 * <p>Each start, and each journal that is full, begins a new journal that holds only what is mapped
 * ({@link JournalFolders} has the steps). So none grows without bound, none is appended to that
 * another process has left, and its locks and its damage, whatever they are, hold nobody up. The
 * first is begun by a thread of its own: it takes the half second in which the queue's classes are
 * loaded, and nobody needs it before the first change.
 *
 * <p>Opened and closed by one thread; appended to by workers, one at a time.
 */
public final class MapJournal implements AutoCloseable {
    private final JournalFolders folders;
    private final Consumer<String> warnings;
    private final TreeMap<Integer, Mapping> mappings = new TreeMap<>();
    private FutureTask<JournalWriter> first;

    /** Null: the last one failed, and what it holds is not certain. */
    private JournalWriter writer;

    private MapJournal(JournalFolders folders, Consumer<String> warnings) {
        this.folders = folders;
        this.warnings = warnings;
    }

    /**
     * Replays it, or begins one. Damage and a disk that takes no other journal do not fail this,
     * but the changes to come: what is mapped can be used.
     *
     * @throws IOException there is none, and the disk takes none: nothing could ever be mapped.
     * @param warnings hears in one line what was lost or failed, if anything was; on any thread.
     */
    public static MapJournal open(Path directory, Consumer<String> warnings) throws IOException {
        MapJournal journal = new MapJournal(JournalFolders.open(directory), warnings);
        Path current = journal.folders.current();
        if (current == null) {
            journal.checkRoom();
        }
        String damage = current == null ? null : journal.replay(current);
        if (damage == null) {
            FutureTask<JournalWriter> first = new FutureTask<>(journal::beginFirst);
            journal.first = first;
            Thread.ofPlatform().daemon().name("journal-opener").start(first);
        } else {
            journal.replaceDamaged(current, damage);
        }
        return journal;
    }

    /** What is mapped according to what was replayed and appended, by number. */
    public List<Mapping> mappings() {
        return List.copyOf(mappings.values());
    }

    /**
     * Returns when it is durable.
     *
     * @throws ErrnoException ENOSPC and others of the disk: the mapping is not recorded.
     */
    public void appendMapped(Mapping mapping) throws ErrnoException {
        append(MapRecord.mapped(mapping));
        mappings.put(mapping.id(), mapping);
    }

    /**
     * Returns when it is durable.
     *
     * @throws ErrnoException as {@link #appendMapped}.
     */
    public void appendUnmapped(int id) throws ErrnoException {
        append(MapRecord.unmapped(id));
        mappings.remove(id);
    }

    @Override
    public void close() throws ErrnoException {
        awaitFirst();
        if (writer != null) {
            JournalWriter last = writer;
            writer = null;
            last.close();
        }
    }

    private void append(MapRecord record) throws ErrnoException {
        awaitFirst();
        if (writer == null || !writer.hasRoomFor(record)) {
            beginNext();
        }
        try {
            writer.append(record);
        } catch (ErrnoException e) {
            // the record may stand there or not: a new journal does not have it
            try {
                beginNext();
            } catch (ErrnoException next) {
                e.addSuppressed(next);
            }
            throw e;
        }
    }

    /** The first journal itself is begun by another thread, which nobody waits for. */
    private void checkRoom() throws IOException {
        try {
            Path trial = folders.prepareNext();
            try {
                JournalWriter.allocateFiles(trial);
            } finally {
                folders.discard(trial);
            }
        } catch (IOException e) {
            throw FileErrors.of(e, "a journal cannot be begun in " + folders.root());
        }
    }

    /** Why the replay ended before the end, or null. */
    private String replay(Path current) {
        JournalScan scan = JournalScan.of(current.resolve(JournalWriter.FILE_NAME));
        for (MapRecord record : scan.records()) {
            switch (record.kind()) {
                case MAPPED -> mappings.put(record.number(), record.mapping());
                case UNMAPPED -> mappings.remove(record.number());
                default -> {
                    // BEGIN says how many follow, which the scan has checked
                }
            }
        }
        return scan.damage();
    }

    /** On the opener's thread; until it ends, nobody else touches what it uses. */
    private JournalWriter beginFirst() {
        try {
            return begin();
        } catch (ErrnoException e) {
            warnings.accept("no change of the image map can be recorded for now: " + e.describe());
            return null; // the first change tries again
        }
    }

    private void replaceDamaged(Path damaged, String damage) {
        String what =
                "the image map's journal "
                        + damaged
                        + " is damaged ("
                        + damage
                        + "): "
                        + mappings.size()
                        + " mappings stood before the damage and are kept, later changes are lost";
        try {
            writer = beginBeside();
            warnings.accept(what + "; the damaged one is kept as " + folders.keepAside(damaged));
            folders.deleteOthers();
        } catch (IOException e) {
            warnings.accept(what + "; it cannot be replaced for now: " + e);
        }
    }

    private void beginNext() throws ErrnoException {
        if (writer != null) {
            JournalWriter last = writer;
            writer = null; // whatever happens: changes in both would contradict each other
            last.close();
        }
        writer = begin();
    }

    private JournalWriter begin() throws ErrnoException {
        JournalWriter begun = beginBeside();
        try {
            folders.deleteOthers();
        } catch (IOException e) {
            warnings.accept("journals that were replaced cannot be deleted (" + e + ")");
        }
        return begun;
    }

    /** A journal of what is mapped, which counts from now on. */
    private JournalWriter beginBeside() throws ErrnoException {
        try {
            Path prepared = folders.prepareNext();
            try {
                JournalWriter begun = JournalWriter.create(prepared, mappings());
                try {
                    folders.commit(prepared);
                    return begun;
                } catch (IOException e) {
                    begun.close();
                    throw e;
                }
            } catch (IOException e) {
                folders.discard(prepared); // what it took of a full disk
                throw e;
            }
        } catch (IOException e) {
            throw FileErrors.of(e, "a journal cannot be begun in " + folders.root());
        }
    }

    private void awaitFirst() throws ErrnoException {
        if (first == null) {
            return;
        }
        try {
            writer = first.get();
            first = null;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new ErrnoException(Errno.EINTR, "waiting for the journal", e);
        } catch (ExecutionException e) {
            throw new IllegalStateException("the journal cannot be begun", e.getCause());
        }
    }
}
