package org.rbdwrapper.broker.map;

import net.openhft.chronicle.bytes.Bytes;
import net.openhft.chronicle.queue.ChronicleQueue;
import net.openhft.chronicle.queue.ExcerptAppender;
import net.openhft.chronicle.queue.ExcerptTailer;
import net.openhft.chronicle.queue.RollCycles;
import net.openhft.chronicle.queue.impl.single.SingleChronicleQueueBuilder;

import org.rbdwrapper.ipc.Errno;
import org.rbdwrapper.ipc.ErrnoException;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.TreeMap;
import java.util.function.Consumer;
import java.util.stream.Stream;

/**
 * The image map's memory: each change is appended before it is acknowledged, and all are replayed
 * at start. Owned by the conductor, but for opening and closing.
 *
 * <p>A record that {@link #appendMapped} or {@link #appendUnmapped} has returned from survives the
 * death of the broker (it is in the page cache) and of the host (it was synced). What is damaged
 * ends the replay there: what stood before it counts, the damaged journal is kept aside, and a new
 * one begins.
 *
 * <p>A journal with many records that no longer matter is written anew at start, in steps that each
 * leave a whole one:
 *
 * <pre>
 *   1  journal.new is written and synced      the next start finds journal: it counts, journal.new is deleted
 *   2  journal is renamed to journal.old      the next start finds no journal: journal.new takes its place
 *   3  journal.new is renamed to journal      the next start finds journal: it counts, journal.old is deleted
 *   4  journal.old is deleted
 * </pre>
 */
public final class MapJournal implements AutoCloseable {
    private static final int MAX_DEAD_RECORDS = 1000;
    private static final int MAX_DAMAGED_KEPT = 3;
    private static final long BLOCK_SIZE = 256 * 1024;

    private final Path directory;
    private final TreeMap<Integer, Mapping> mappings = new TreeMap<>();
    private ChronicleQueue queue;
    private ExcerptAppender appender;

    private MapJournal(Path directory) {
        this.directory = directory;
    }

    /**
     * Opens and replays it, or begins one.
     *
     * @param warnings hears in one line what was lost, if anything was.
     */
    public static MapJournal open(Path directory, Consumer<String> warnings) throws IOException {
        MapJournal journal = new MapJournal(directory);
        journal.finishReplacement();
        journal.replayAll(warnings);
        return journal;
    }

    /** What is mapped according to what was replayed, by number. */
    public List<Mapping> mappings() {
        return List.copyOf(mappings.values());
    }

    /** Returns when it is durable. */
    public void appendMapped(Mapping mapping) throws IOException {
        append(new MapRecord(mapping.id(), mapping));
    }

    /** Returns when it is durable. */
    public void appendUnmapped(int id) throws IOException {
        append(new MapRecord(id, null));
    }

    @Override
    public void close() {
        if (queue != null) {
            appender.close();
            queue.close();
            queue = null;
        }
    }

    private void append(MapRecord record) throws IOException {
        try {
            appender.writeBytes(Bytes.wrapForRead(record.encode()));
            appender.sync();
        } catch (RuntimeException e) {
            throw new ErrnoException(Errno.EIO, e.toString(), e);
        }
    }

    private void replayAll(Consumer<String> warnings) throws IOException {
        int records = 0;
        String damage = null;
        try {
            openQueue(directory);
            records = replay();
        } catch (IOException | RuntimeException | Error e) {
            // the library throws many kinds where its files are damaged; none of them may keep the
            // broker down
            if (e instanceof OutOfMemoryError || e instanceof LinkageError) {
                throw e;
            }
            damage = e.getMessage() == null ? e.toString() : e.getMessage();
        }
        if (damage != null) {
            close();
            Path aside = keepAside();
            warnings.accept(
                    "the journal is damaged ("
                            + damage
                            + "): "
                            + mappings.size()
                            + " mappings stood before the damage and are kept, the rest is lost;"
                            + " the damaged one is kept as "
                            + aside);
            replaceWith(false);
        } else if (records - mappings.size() > MAX_DEAD_RECORDS) {
            close();
            replaceWith(true);
        }
    }

    private int replay() throws IOException {
        int records = 0;
        Bytes<byte[]> bytes = Bytes.allocateElasticOnHeap();
        try (ExcerptTailer tailer = queue.createTailer()) {
            while (tailer.readBytes(bytes)) {
                MapRecord record = MapRecord.decode(bytes.toByteArray());
                bytes.clear();
                if (record.mapping() == null) {
                    mappings.remove(record.id());
                } else {
                    mappings.put(record.id(), record.mapping());
                }
                records++;
            }
        } finally {
            bytes.releaseLast();
        }
        return records;
    }

    private void openQueue(Path path) {
        queue =
                SingleChronicleQueueBuilder.binary(path)
                        .rollCycle(RollCycles.FAST_DAILY)
                        .blockSize(BLOCK_SIZE)
                        // a dead writer's lock is broken at once: the state directory's own lock
                        // says that it is dead
                        .timeoutMS(100)
                        .build();
        appender = queue.createAppender();
    }

    /** Writes what is mapped as a new journal; see the steps above. */
    private void replaceWith(boolean oldIsThere) throws IOException {
        Path fresh = sibling(".new");
        deleteTree(fresh);
        openQueue(fresh);
        for (Mapping mapping : mappings.values()) {
            appendMapped(mapping);
        }
        close();
        if (oldIsThere) {
            Files.move(directory, sibling(".old"), StandardCopyOption.ATOMIC_MOVE);
        }
        Files.move(fresh, directory, StandardCopyOption.ATOMIC_MOVE);
        deleteTree(sibling(".old"));
        openQueue(directory);
    }

    /** Does what a start before this one has left undone. */
    private void finishReplacement() throws IOException {
        Path fresh = sibling(".new");
        if (Files.isDirectory(directory)) {
            deleteTree(fresh);
            deleteTree(sibling(".old"));
        } else if (Files.isDirectory(fresh) && Files.isDirectory(sibling(".old"))) {
            Files.move(fresh, directory, StandardCopyOption.ATOMIC_MOVE);
            deleteTree(sibling(".old"));
        }
    }

    private Path keepAside() throws IOException {
        List<Path> kept = new ArrayList<>();
        try (Stream<Path> siblings = Files.list(directory.toAbsolutePath().getParent())) {
            siblings.filter(
                            p ->
                                    p.getFileName()
                                            .toString()
                                            .startsWith(directory.getFileName() + ".damaged-"))
                    .sorted()
                    .forEach(kept::add);
        }
        while (kept.size() >= MAX_DAMAGED_KEPT) {
            deleteTree(kept.removeFirst());
        }
        Path aside = sibling(".damaged-" + System.currentTimeMillis());
        Files.move(directory, aside, StandardCopyOption.ATOMIC_MOVE);
        return aside;
    }

    private Path sibling(String suffix) {
        return directory.resolveSibling(directory.getFileName() + suffix);
    }

    private static void deleteTree(Path folder) throws IOException {
        if (!Files.exists(folder)) {
            return;
        }
        List<Path> paths;
        try (Stream<Path> walk = Files.walk(folder)) {
            paths = walk.sorted(Comparator.reverseOrder()).toList();
        }
        for (Path path : paths) {
            Files.deleteIfExists(path);
        }
    }
}
