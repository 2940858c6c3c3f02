package org.rbdwrapper.broker.map;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.rbdwrapper.broker.map.JournalFixture.mapping;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.rbdwrapper.broker.ChildJvm;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;

/** A broker that is killed, at work and between the steps of beginning a journal. */
class JournalCrashTest {
    @TempDir Path temp;
    private Path directory;

    @BeforeEach
    void writeJournal() throws IOException {
        directory = temp.resolve("journal");
        try (MapJournal journal = JournalFixture.open(directory)) {
            journal.appendMapped(mapping(0));
            journal.appendMapped(mapping(1));
        }
    }

    /** Maps 0, 1, 2 …, unmaps each third again, and prints each change when it is durable. */
    static final class Writer {
        public static void main(String[] args) throws IOException {
            try (MapJournal journal = JournalFixture.open(Path.of(args[0]))) {
                for (int id = Integer.parseInt(args[1]); ; id++) {
                    journal.appendMapped(mapping(id));
                    System.out.println("+" + id);
                    if (id % 3 == 0) {
                        journal.appendUnmapped(id);
                        System.out.println("-" + id);
                    }
                }
            }
        }
    }

    @Test
    void shouldHoldAllThatWasAcknowledgedWhenKilled() throws Exception {
        List<Mapping> known = new ArrayList<>(List.of(mapping(0), mapping(1)));
        int next = 2;
        for (int round = 0; round < 3; round++) {
            int changes = 100 + 900 * round;
            String last = null;
            try (ChildJvm child =
                    ChildJvm.start(Writer.class, directory.toString(), Integer.toString(next))) {
                for (int i = 0; i < changes; i++) {
                    last = apply(child.readLine(), known);
                }
                child.kill();
                for (String line = child.readLine(); line != null; line = child.readLine()) {
                    last = apply(line, known);
                }
            }
            List<Mapping> replayed = replayAfterKill();
            if (!replayed.equals(known)) {
                // the one that was on its way counts or not
                apply(following(last), known);
                assertEquals(known, replayed);
            }
            next = 2 + Math.abs(Integer.parseInt(last));
            known = new ArrayList<>(replayed);
        }
    }

    @Test
    void shouldIgnoreAJournalThatWasBeingMade() throws IOException {
        Path fresh = Files.createDirectory(directory.resolve("99.new"));
        copy(JournalFixture.file(directory).getParent(), fresh);
        for (String part : JournalFixture.names(fresh)) {
            byte[] bytes = Files.readAllBytes(fresh.resolve(part));
            Files.write(fresh.resolve(part), Arrays.copyOf(bytes, bytes.length / 3));
        }
        try (MapJournal journal = JournalFixture.open(directory)) {
            assertEquals(List.of(mapping(0), mapping(1)), journal.mappings());
            journal.appendUnmapped(0);
        }
        assertEquals(1, JournalFixture.names(directory).size());
        try (MapJournal journal = JournalFixture.open(directory)) {
            assertEquals(List.of(mapping(1)), journal.mappings());
        }
    }

    @Test
    void shouldMakeTheNextJournalInPlaceOfOneThatWasBeingMade() throws IOException {
        Path number = JournalFixture.file(directory).getParent().getFileName();
        Path fresh = directory.resolve(Long.parseLong(number.toString()) + 1 + ".new");
        Files.createDirectory(fresh);
        Files.writeString(fresh.resolve("metadata.cq4t"), "half");
        try (MapJournal journal = JournalFixture.open(directory)) {
            journal.appendUnmapped(0);
        }
        try (MapJournal journal = JournalFixture.open(directory)) {
            assertEquals(List.of(mapping(1)), journal.mappings());
        }
    }

    @Test
    void shouldTakeTheNewerOfTwoJournals() throws IOException {
        Path older = JournalFixture.file(directory).getParent();
        Path copy = temp.resolve("copy");
        copy(older, copy);
        try (MapJournal journal = JournalFixture.open(directory)) {
            journal.appendUnmapped(0);
        }
        copy(copy, older); // as if it had not been deleted yet
        assertEquals(2, JournalFixture.names(directory).size());
        try (MapJournal journal = JournalFixture.open(directory)) {
            assertEquals(List.of(mapping(1)), journal.mappings());
        }
        assertEquals(1, JournalFixture.names(directory).size());
    }

    @Test
    void shouldTakeTheNewerWhenTheOlderIsHalfDeleted() throws IOException {
        Path older = JournalFixture.file(directory).getParent();
        try (MapJournal journal = JournalFixture.open(directory)) {
            journal.appendUnmapped(0);
        }
        Files.createDirectory(older);
        Files.writeString(older.resolve("metadata.cq4t"), "rest");
        try (MapJournal journal = JournalFixture.open(directory)) {
            assertEquals(List.of(mapping(1)), journal.mappings());
        }
    }

    private List<Mapping> replayAfterKill() throws IOException {
        List<String> warnings = new ArrayList<>();
        try (MapJournal journal = MapJournal.open(directory, warnings::add)) {
            assertTrue(warnings.size() <= 1, warnings.toString());
            for (String warning : warnings) {
                assertTrue(warning.contains("not written to its end"), warning);
            }
            return journal.mappings();
        }
    }

    private static String apply(String change, List<Mapping> known) {
        Mapping mapping = mapping(Integer.parseInt(change.substring(1)));
        if (change.charAt(0) == '+') {
            known.add(mapping);
        } else {
            assertTrue(known.remove(mapping));
        }
        return change;
    }

    private static String following(String change) {
        int id = Integer.parseInt(change.substring(1));
        return change.charAt(0) == '+' && id % 3 == 0 ? "-" + id : "+" + (id + 1);
    }

    private static void copy(Path from, Path to) throws IOException {
        Files.createDirectories(to);
        try (Stream<Path> files = Files.list(from)) {
            for (Path file : files.toList()) {
                Files.copy(file, to.resolve(file.getFileName()));
            }
        }
    }
}
