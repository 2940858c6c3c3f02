package org.rbdwrapper.broker.map;

import org.rbdwrapper.broker.store.ImageRef;
import org.rbdwrapper.ipc.ImageSpec;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;

/** Mappings and journals for tests. */
final class JournalFixture {
    private JournalFixture() {}

    static Mapping mapping(int id) {
        return new Mapping(
                id,
                image(id),
                "name-" + id,
                id % 2 == 1,
                1000 + id,
                id == 2 ? -2 : 100,
                0640,
                1_700_000_000_123_456_789L + id,
                id % 4 == 0 ? "" : "messengers=per-image");
    }

    private static ImageRef image(int id) {
        boolean isSnapshot = id % 2 == 1;
        return new ImageRef(
                new ImageSpec(
                        "pool", id % 3 == 0 ? "" : "näme", "image" + id, isSnapshot ? "s" : ""),
                "id" + id,
                isSnapshot ? id : ImageRef.NO_SNAPSHOT);
    }

    /** Opened, or the test fails on what it had to say. */
    static MapJournal open(Path directory) throws IOException {
        return MapJournal.open(
                directory,
                warning -> {
                    throw new AssertionError(warning);
                });
    }

    /** What is mapped after each of these records, from none of them to all. */
    static List<List<Mapping>> statesAfterEach(List<MapRecord> records) {
        TreeMap<Integer, Mapping> mapped = new TreeMap<>();
        List<List<Mapping>> states = new ArrayList<>();
        states.add(List.of());
        for (MapRecord record : records) {
            apply(record, mapped);
            states.add(List.copyOf(mapped.values()));
        }
        return states;
    }

    static List<Mapping> stateAfter(List<MapRecord> records) {
        TreeMap<Integer, Mapping> mapped = new TreeMap<>();
        records.forEach(record -> apply(record, mapped));
        return List.copyOf(mapped.values());
    }

    private static void apply(MapRecord record, Map<Integer, Mapping> mapped) {
        if (record.kind() == MapRecord.Kind.MAPPED) {
            mapped.put(record.number(), record.mapping());
        } else if (record.kind() == MapRecord.Kind.UNMAPPED) {
            mapped.remove(record.number());
        }
    }

    /** The one file of records of a closed journal. */
    static Path file(Path directory) throws IOException {
        try (Stream<Path> files = Files.walk(directory)) {
            List<Path> found =
                    files.filter(file -> file.endsWith(JournalWriter.FILE_NAME)).toList();
            if (found.size() != 1) {
                throw new AssertionError("not one journal: " + found);
            }
            return found.getFirst();
        }
    }

    static List<String> names(Path directory) throws IOException {
        try (Stream<Path> files = Files.list(directory)) {
            return files.map(file -> file.getFileName().toString()).sorted().toList();
        }
    }
}
