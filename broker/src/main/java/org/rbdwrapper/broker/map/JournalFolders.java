package org.rbdwrapper.broker.map;

import org.rbdwrapper.broker.DurableFiles;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/**
 * The folders of the journals: each is written anew beside the one that it replaces.
 *
 * <pre>
 *   journal/41                  the journal: the highest number counts
 *   journal/42.new              being made
 *   journal.damaged-TIMESTAMP   kept for whoever wants to look at it; the last three
 *
 *   step                                            a start after a crash behind it finds
 *   1  42.new is written and synced                 41 counts, 42.new is deleted
 *   2  42.new becomes 42, in one durable rename     42 counts, which holds what 41 held; 41 is deleted
 *   3  41 is deleted (or, if damaged, kept aside)   42
 *   4  the first change is appended to 42
 * </pre>
 *
 * <p>Used by one thread at a time.
 */
final class JournalFolders {
    private static final String NEW = ".new";
    private static final String DAMAGED = ".damaged-";
    private static final int MAX_DAMAGED_KEPT = 3;
    private static final DateTimeFormatter TIMESTAMP =
            DateTimeFormatter.ofPattern("yyyyMMdd'T'HHmmss.SSS'Z'").withZone(ZoneOffset.UTC);

    private final Path root;

    private JournalFolders(Path root) {
        this.root = root.toAbsolutePath();
    }

    static JournalFolders open(Path root) throws IOException {
        if (!Files.isDirectory(root)) {
            DurableFiles.makeDirectories(root);
            Files.setPosixFilePermissions(root, PosixFilePermissions.fromString("rwx------"));
        }
        DurableFiles.syncName(root);
        return new JournalFolders(root);
    }

    Path root() {
        return root;
    }

    /** The journal that counts, or null before the first. */
    Path current() throws IOException {
        List<Path> journals = journals();
        return journals.isEmpty() ? null : journals.getLast();
    }

    /** An empty folder for the next one: step 1. */
    Path prepareNext() throws IOException {
        Path current = current();
        long number = current == null ? 1 : Long.parseLong(current.getFileName().toString()) + 1;
        Path next = root.resolve(number + NEW);
        discard(next);
        return Files.createDirectory(next);
    }

    /** Deletes what step 1 has left, if it is still there. */
    void discard(Path prepared) throws IOException {
        if (Files.exists(prepared)) {
            DurableFiles.deleteTree(prepared);
        }
    }

    /** From now on it counts: step 2. */
    Path commit(Path prepared) throws IOException {
        String name = prepared.getFileName().toString();
        Path committed = root.resolve(name.substring(0, name.length() - NEW.length()));
        DurableFiles.move(prepared, committed);
        return committed;
    }

    /** All but the one that counts: step 3. */
    void deleteOthers() throws IOException {
        Path current = current();
        List<Path> others;
        try (Stream<Path> entries = Files.list(root)) {
            others = entries.filter(entry -> !entry.equals(current)).toList();
        }
        for (Path other : others) {
            DurableFiles.deleteTree(other);
        }
    }

    /** Moves one out of the way, and returns where it is kept: step 3. */
    Path keepAside(Path damaged) throws IOException {
        String prefix = root.getFileName() + DAMAGED;
        List<Path> kept;
        try (Stream<Path> siblings = Files.list(root.getParent())) {
            kept =
                    new ArrayList<>(
                            siblings.filter(p -> p.getFileName().toString().startsWith(prefix))
                                    .sorted()
                                    .toList());
        }
        while (kept.size() >= MAX_DAMAGED_KEPT) {
            DurableFiles.deleteTree(kept.removeFirst());
        }
        Path aside = root.resolveSibling(prefix + TIMESTAMP.format(Instant.now()));
        DurableFiles.move(damaged, aside);
        return aside;
    }

    private List<Path> journals() throws IOException {
        try (Stream<Path> entries = Files.list(root)) {
            return entries.filter(entry -> entry.getFileName().toString().matches("[0-9]{1,18}"))
                    .sorted((a, b) -> Long.compare(number(a), number(b)))
                    .toList();
        }
    }

    private static long number(Path journal) {
        return Long.parseLong(journal.getFileName().toString());
    }
}
