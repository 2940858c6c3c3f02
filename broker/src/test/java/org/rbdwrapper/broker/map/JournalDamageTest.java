package org.rbdwrapper.broker.map;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.rbdwrapper.broker.map.JournalFixture.mapping;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.rbdwrapper.broker.DurableFiles;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;

/** Whatever happens to the journal's file: what is mapped then was mapped at one time. */
class JournalDamageTest {
    private static final int SAMPLES = 300;

    /** Of zeroes that follow the records. */
    private static final int MARGIN = 64;

    @TempDir Path temp;
    private Path directory;
    private Path file;
    private byte[] intact;
    private int end;
    private List<List<Mapping>> states;

    @BeforeEach
    void writeJournal() throws IOException {
        directory = temp.resolve("journal");
        try (MapJournal journal = JournalFixture.open(directory)) {
            for (int id = 0; id < 4; id++) {
                journal.appendMapped(mapping(id));
            }
        }
        // it now starts from a snapshot of four
        try (MapJournal journal = JournalFixture.open(directory)) {
            for (int id = 4; id < 30; id++) {
                journal.appendMapped(mapping(id));
                if (id % 3 == 0) {
                    journal.appendUnmapped(id - 2);
                }
            }
        }
        file = JournalFixture.file(directory);
        intact = Files.readAllBytes(file);
        JournalScan scan = JournalScan.of(file);
        assertEquals(1 + 4 + 26 + 8, scan.records().size());
        states = JournalFixture.statesAfterEach(scan.records());
        for (end = intact.length; intact[end - 1] == 0; end--) {
            // back to the last byte of the last record
        }
    }

    @Test
    void shouldSurviveAndReportEachBitFlipped() {
        byte[] contents = Arrays.copyOf(intact, end + MARGIN);
        for (int bit = 0; bit < contents.length * 8; bit++) {
            contents[bit / 8] ^= (byte) (1 << bit % 8);
            checkReported(contents, "bit " + bit);
            contents[bit / 8] ^= (byte) (1 << bit % 8);
        }
    }

    @Test
    void shouldSurviveAndReportEachByteWithAnyValue() {
        byte[] contents = Arrays.copyOf(intact, end + MARGIN);
        Random random = new Random(20261123);
        for (int at = 0; at < contents.length; at++) {
            byte old = contents[at];
            for (int value : new int[] {0, 0xff, random.nextInt(256), random.nextInt(256)}) {
                contents[at] = (byte) value;
                checkReported(contents, "byte " + at + " is " + value);
            }
            contents[at] = old;
        }
    }

    @Test
    void shouldSurviveAndReportBeingCutAnywhere() {
        for (int length = 0; length <= end + MARGIN; length++) {
            byte[] cut = Arrays.copyOf(intact, length);
            boolean isWhole = length >= (end + 3) / 4 * 4 + Integer.BYTES;
            assertEquals(isWhole, checkScan(cut).damage() == null, "cut to " + length);
        }
        Random random = new Random(7);
        for (int i = 0; i < SAMPLES; i++) {
            checkScan(Arrays.copyOf(intact, random.nextInt(intact.length)));
        }
    }

    @Test
    void shouldReportTheLastRecordTakenForTheQueues() {
        // the records before it are whole: nothing but this would say that an image is unmapped
        int last = lastHeader();
        byte[] damaged = intact.clone();
        damaged[last + 3] |= 0x40;
        checkReported(damaged, "marked as the queue's own");
        damaged[last + 1] ^= 0x01;
        checkReported(damaged, "and longer");
    }

    @Test
    void shouldCountALastRecordThatLacksItsHeader() {
        int last = lastHeader(); // as one whose broker was killed before it wrote that
        byte[] killed = intact.clone();
        Arrays.fill(killed, last, last + Integer.BYTES, (byte) 0);
        JournalScan scan = checkScan(killed);
        assertNull(scan.damage());
        assertEquals(states.size() - 1, scan.records().size());
        for (int at = last + Integer.BYTES; at < end + MARGIN; at++) {
            byte[] torn = killed.clone();
            torn[at] ^= 0x10;
            checkReported(torn, "byte " + at + " is another, too");
        }
    }

    @Test
    void shouldCountARecordWithoutHeaderThatEndsInZeroes() throws IOException {
        byte[] zero = MapRecord.unmapped(0).encode(states.size() - 1);
        byte[] killed = intact.clone();
        int at = (end + 3) / 4 * 4 + Integer.BYTES;
        System.arraycopy(zero, 0, killed, at, zero.length);
        JournalScan scan = scan(killed);
        assertNull(scan.damage());
        assertEquals(states.size(), scan.records().size());
        assertEquals(MapRecord.unmapped(0), scan.records().getLast());
    }

    @Test
    void shouldSurviveATailOfZeroesOrGarbage() throws IOException {
        Random random = new Random(8);
        for (int i = 0; i < SAMPLES; i++) {
            int from = random.nextInt(end + 200);
            byte[] damaged = intact.clone();
            if (i % 2 == 0) {
                Arrays.fill(damaged, from, damaged.length, (byte) 0);
            } else {
                byte[] garbage = new byte[damaged.length - from];
                random.nextBytes(garbage);
                System.arraycopy(garbage, 0, damaged, from, garbage.length);
            }
            checkScan(damaged);
        }
    }

    @Test
    void shouldSurviveARecordMissingOrTwice() throws IOException {
        byte[] one = MapRecord.unmapped(4).encode(8);
        byte[] other = MapRecord.unmapped(7).encode(12);
        assertEquals(one.length, other.length);
        int at = indexOf(one);
        byte[] twice = intact.clone();
        System.arraycopy(one, 0, twice, indexOf(other), one.length);
        checkScan(twice);
        assertNotNull(scan(twice).damage());
        byte[] missing = intact.clone();
        missing[at - 1] |= 0x40; // it looks like one of the queue's own now
        checkScan(missing);
        assertNotNull(scan(missing).damage());
        byte[] unheaded = intact.clone();
        Arrays.fill(unheaded, at - Integer.BYTES, at, (byte) 0); // it looks like the end
        checkScan(unheaded);
        assertNotNull(scan(unheaded).damage());
    }

    @Test
    void shouldStartWithWhatStoodBeforeTheDamageAndKeepTheDamaged() throws IOException {
        Path table = file.resolveSibling("metadata.cq4t");
        byte[] damaged = flipped(indexOf(MapRecord.mapped(mapping(20)).encode(26)) * 8);
        Files.write(file, damaged);
        Files.write(table, new byte[] {1, 2, 3});
        List<String> warnings = new ArrayList<>();
        List<Mapping> expected = states.get(26);
        try (MapJournal journal = MapJournal.open(directory, warnings::add)) {
            assertEquals(expected, journal.mappings());
            journal.appendMapped(mapping(100));
        }
        assertEquals(1, warnings.size(), warnings.toString());
        assertEquals(1, warnings.getFirst().lines().count());
        String kept =
                JournalFixture.names(temp).stream()
                        .filter(name -> name.startsWith("journal.damaged-"))
                        .findFirst()
                        .orElseThrow();
        assertTrue(warnings.getFirst().contains(kept), warnings.getFirst());
        assertTrue(
                Arrays.equals(
                        damaged,
                        Files.readAllBytes(temp.resolve(kept).resolve(file.getFileName()))));
        try (MapJournal journal = JournalFixture.open(directory)) {
            assertEquals(expected.size() + 1, journal.mappings().size());
            assertTrue(journal.mappings().contains(mapping(100)));
        }
    }

    @Test
    void shouldStartWhateverTheFileIs() throws IOException {
        Random random = new Random(9);
        for (int i = 0; i < 12; i++) {
            Path current = JournalFixture.file(directory);
            switch (i % 4) {
                case 0 -> Files.write(current, new byte[0]);
                case 1 -> Files.delete(current);
                case 2 -> Files.write(current, randomBytes(random, 300_000));
                default -> Files.write(current, flipped(random.nextInt(512 * 8)));
            }
            List<String> warnings = new ArrayList<>();
            try (MapJournal journal = MapJournal.open(directory, warnings::add)) {
                assertTrue(states.contains(journal.mappings()));
                assertTrue(!warnings.isEmpty() || journal.mappings().equals(states.getLast()));
            }
        }
        long kept =
                JournalFixture.names(temp).stream()
                        .filter(name -> name.startsWith("journal.damaged-"))
                        .count();
        assertEquals(3, kept);
    }

    @Test
    void shouldStartWhateverTheFolderHolds() throws IOException {
        Path folder = file.getParent();
        Path current = folder.getFileName();
        List<Runnable> damages =
                List.of(
                        () -> replace(file, () -> Files.createDirectory(file)),
                        () -> replace(folder, () -> Files.createFile(folder)),
                        () -> replace(folder, () -> Files.createDirectory(folder)),
                        () -> replace(folder, () -> Files.createSymbolicLink(folder, temp)),
                        () -> replace(folder, () -> Files.createSymbolicLink(folder, folder)));
        for (Runnable damage : damages) {
            DurableFiles.deleteTree(directory);
            Files.createDirectories(folder);
            Files.write(file, intact);
            damage.run();
            List<String> warnings = new ArrayList<>();
            try (MapJournal journal = MapJournal.open(directory, warnings::add)) {
                assertEquals(List.of(), journal.mappings());
                journal.appendMapped(mapping(1));
            }
            assertEquals(1, warnings.size(), warnings.toString());
            assertTrue(warnings.getFirst().contains("/" + current), warnings.getFirst());
            try (MapJournal journal = JournalFixture.open(directory)) {
                assertEquals(List.of(mapping(1)), journal.mappings());
            }
        }
    }

    private interface Making {
        void make() throws IOException;
    }

    private static void replace(Path path, Making making) {
        try {
            DurableFiles.deleteTree(path);
            making.make();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Test
    void shouldNotNeedTheQueuesTable() throws IOException {
        Random random = new Random(10);
        for (int i = 0; i < 10; i++) {
            Path table = JournalFixture.file(directory).resolveSibling("metadata.cq4t");
            Files.write(table, randomBytes(random, random.nextInt(200_000)));
            try (MapJournal journal = JournalFixture.open(directory)) {
                assertEquals(states.getLast(), journal.mappings());
            }
        }
    }

    /** Part of what was written, from its beginning; and if not all of it, that is known. */
    private JournalScan checkScan(byte[] contents) {
        JournalScan scan = scan(contents);
        int size = scan.records().size();
        assertTrue(size < states.size());
        assertEquals(states.get(size), JournalFixture.stateAfter(scan.records()));
        return scan;
    }

    /** As {@link #checkScan}; and if a record is not there, that is said. */
    private void checkReported(byte[] contents, String what) {
        JournalScan scan = checkScan(contents);
        boolean isWhole = scan.records().size() == states.size() - 1;
        assertTrue(isWhole || scan.damage() != null, what);
    }

    private static JournalScan scan(byte[] contents) {
        return JournalScan.of(new ByteArrayInputStream(contents));
    }

    /** Where the header of the last record begins. */
    private int lastHeader() {
        JournalScan scan = scan(intact);
        MapRecord last = scan.records().getLast();
        return indexOf(last.encode(scan.records().size() - 1)) - Integer.BYTES;
    }

    private byte[] flipped(int bit) {
        byte[] contents = intact.clone();
        contents[bit / 8] ^= (byte) (1 << bit % 8);
        return contents;
    }

    private int indexOf(byte[] record) {
        for (int at = 0; at <= end - record.length; at++) {
            if (Arrays.equals(intact, at, at + record.length, record, 0, record.length)) {
                return at;
            }
        }
        throw new AssertionError("no such record");
    }

    private static byte[] randomBytes(Random random, int length) {
        byte[] bytes = new byte[length];
        random.nextBytes(bytes);
        return bytes;
    }
}
