package org.rbdwrapper.broker.map;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.rbdwrapper.broker.map.JournalFixture.mapping;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.rbdwrapper.ipc.Errno;
import org.rbdwrapper.ipc.ErrnoException;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.FutureTask;

class MapJournalTest {
    @TempDir Path temp;

    @Test
    void shouldReplayWhatIsMapped() throws IOException {
        Path directory = temp.resolve("journal");
        try (MapJournal journal = JournalFixture.open(directory)) {
            assertEquals(List.of(), journal.mappings());
            for (int id = 0; id < 5; id++) {
                journal.appendMapped(mapping(id));
            }
            journal.appendUnmapped(1);
            journal.appendUnmapped(3);
        }
        List<Mapping> expected = List.of(mapping(0), mapping(2), mapping(4));
        for (int start = 0; start < 3; start++) {
            try (MapJournal journal = JournalFixture.open(directory)) {
                assertEquals(expected, journal.mappings());
            }
        }
        try (MapJournal journal = JournalFixture.open(directory)) {
            journal.appendMapped(mapping(1));
        }
        try (MapJournal journal = JournalFixture.open(directory)) {
            assertEquals(
                    List.of(mapping(0), mapping(1), mapping(2), mapping(4)), journal.mappings());
        }
    }

    @Test
    void shouldBeUsableByAnotherThreadThanItsOpener() throws Exception {
        Path directory = temp.resolve("journal");
        try (MapJournal journal = JournalFixture.open(directory)) {
            journal.appendMapped(mapping(0));
            FutureTask<Void> conductor =
                    new FutureTask<>(
                            () -> {
                                journal.appendMapped(mapping(1));
                                return null;
                            });
            Thread.ofPlatform().start(conductor);
            conductor.get();
        }
        try (MapJournal journal = JournalFixture.open(directory)) {
            assertEquals(List.of(mapping(0), mapping(1)), journal.mappings());
        }
    }

    @Test
    void shouldStayWithinItsAllocatedFileHoweverManyChangesThereAre() throws IOException {
        Path directory = temp.resolve("journal");
        List<Mapping> expected = new ArrayList<>();
        try (MapJournal journal = JournalFixture.open(directory)) {
            for (int id = 0; id < 100; id++) {
                journal.appendMapped(mapping(id));
                expected.add(mapping(id));
            }
            long length = Files.size(JournalFixture.file(directory));
            List<String> before = JournalFixture.names(directory);
            for (int change = 0; change < 3000; change++) {
                journal.appendMapped(mapping(1000));
                journal.appendUnmapped(1000);
                assertEquals(length, Files.size(JournalFixture.file(directory)));
            }
            assertTrue(
                    !JournalFixture.names(directory).equals(before),
                    "it was begun anew when it was full");
        }
        try (MapJournal journal = JournalFixture.open(directory)) {
            assertEquals(expected, journal.mappings());
        }
    }

    @Test
    void shouldGrowWithWhatIsMapped() throws IOException {
        Path directory = temp.resolve("journal");
        List<Mapping> expected = new ArrayList<>();
        try (MapJournal journal = JournalFixture.open(directory)) {
            for (int id = 0; id < 2500; id++) {
                journal.appendMapped(mapping(id));
                expected.add(mapping(id));
            }
        }
        try (MapJournal journal = JournalFixture.open(directory)) {
            assertEquals(expected, journal.mappings());
        }
    }

    @Test
    void shouldNotBeReadableByOthers() throws IOException {
        Path directory = temp.resolve("journal");
        JournalFixture.open(directory).close();
        assertEquals(0700, (int) Files.getAttribute(directory, "unix:mode") & 0777);
    }

    @Test
    void shouldSayWhereItCannotBeMade() throws IOException {
        Path file = Files.createFile(temp.resolve("file"));
        IOException refused =
                assertThrows(IOException.class, () -> JournalFixture.open(file.resolve("journal")));
        assertTrue(refused.getMessage().contains(file.toString()), refused.getMessage());
    }

    @Test
    void shouldFailChangesOnlyAsLongAsNoJournalCanBeMade() throws IOException {
        Path directory = temp.resolve("journal");
        Path away = temp.resolve("away");
        try (MapJournal journal = JournalFixture.open(directory)) {
            journal.appendMapped(mapping(0));
            Files.move(directory, away);
            ErrnoException refused =
                    assertThrows(
                            ErrnoException.class,
                            () -> {
                                for (int change = 0; change < 10_000; change++) {
                                    journal.appendMapped(mapping(1));
                                    journal.appendUnmapped(1);
                                }
                            });
            assertEquals(Errno.ENOENT, refused.errno());
            assertThrows(ErrnoException.class, () -> journal.appendMapped(mapping(2)));
            Files.createDirectory(directory);
            journal.appendMapped(mapping(3));
            assertTrue(journal.mappings().containsAll(List.of(mapping(0), mapping(3))));
            assertTrue(!journal.mappings().contains(mapping(2)));
        }
        try (MapJournal journal = JournalFixture.open(directory)) {
            assertTrue(journal.mappings().containsAll(List.of(mapping(0), mapping(3))));
            assertTrue(!journal.mappings().contains(mapping(2)));
        }
    }
}
