package org.rbdwrapper.broker.map;

import org.rbdwrapper.broker.fuzz.FuzzInput;
import org.rbdwrapper.broker.fuzz.FuzzLog;
import org.rbdwrapper.broker.fuzz.Replay;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import java.util.zip.CRC32C;

/**
 * A journal's file as a bad disk or a person leaves it: what is read of it is what was written,
 * from the beginning to some record, and where that is not the last, it is said.
 *
 * <p>Input: u8 which kind ({@link #run}), then what is done to the file.
 */
public final class JournalFuzz {
    private static final int MAX_DAMAGES = 16;
    private static final int TAIL = 4096;
    private static final int START_SHARE = 4;
    private static JournalFuzz instance;

    private final long beganNanos = System.nanoTime();
    private long startNanos;

    private final Path directory;
    private final Path scanned;
    private final byte[] intact;
    private final List<MapRecord> written;
    private final List<List<Mapping>> states;

    private JournalFuzz() throws IOException {
        FuzzLog.listen();
        Path memory = Path.of("/dev/shm");
        directory =
                Files.isWritable(memory)
                        ? Files.createTempDirectory(memory, "rbdw-")
                        : Files.createTempDirectory("rbdw-");
        Runtime.getRuntime().addShutdownHook(new Thread(() -> delete(directory)));
        Path folder = directory.resolve("journal");
        try (MapJournal journal = JournalFixture.open(folder)) {
            for (int id = 0; id < 3; id++) {
                journal.appendMapped(JournalFixture.mapping(id));
            }
        }
        try (MapJournal journal = JournalFixture.open(folder)) {
            for (int id = 3; id < 9; id++) {
                journal.appendMapped(JournalFixture.mapping(id));
                if (id % 3 == 0) {
                    journal.appendUnmapped(id - 2);
                }
            }
        }
        Path file = JournalFixture.file(folder);
        byte[] all = Files.readAllBytes(file);
        int end = all.length;
        while (all[end - 1] == 0) {
            end--;
        }
        intact = Arrays.copyOf(all, end + TAIL);
        written = JournalScan.of(file).records();
        states = JournalFixture.statesAfterEach(written);
        scanned = directory.resolve("scanned");
    }

    public static void fuzzerTestOneInput(byte[] data) {
        try {
            if (instance == null) {
                instance = new JournalFuzz();
            }
            instance.run(new FuzzInput(data));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private void run(FuzzInput input) throws IOException {
        int kind = input.u8();
        switch (kind % 4) {
            case 0 -> checkDamaged(damaged(input));
            case 1 -> checkDecoded(scan(input.someBytes(1 << 16)));
            case 2 -> checkDecoded(scan(forged(input)));
            default -> {
                if (kind == 255 && mayStart()) {
                    long began = System.nanoTime();
                    checkStart(damaged(input));
                    startNanos += System.nanoTime() - began;
                }
            }
        }
    }

    /** It takes a thousand times as long as all else: for some of the time only. */
    private boolean mayStart() {
        return Replay.isOn() || startNanos * START_SHARE <= System.nanoTime() - beganNanos;
    }

    private JournalScan scan(byte[] contents) throws IOException {
        Files.write(scanned, contents);
        return JournalScan.of(scanned);
    }

    /** What happens to a file that nobody means harm. */
    private byte[] damaged(FuzzInput input) {
        byte[] file = intact.clone();
        for (int i = 0; i < MAX_DAMAGES && input.hasMore() && file.length > 0; i++) {
            int what = input.u8();
            int from = (input.u16() | input.u8() << 16) % file.length;
            int length = Math.min(input.u16(), file.length - from);
            switch (what % 7) {
                case 0 -> file[from] ^= (byte) (1 << length % 8);
                case 1 -> Arrays.fill(file, from, from + length, (byte) 0);
                case 2 -> Arrays.fill(file, from, from + length, (byte) 0xff);
                case 3 -> file = Arrays.copyOf(file, from);
                case 4 -> { // a block that was meant for another place
                    int to = input.u16() % file.length;
                    System.arraycopy(file, from, file, to, Math.min(length, file.length - to));
                }
                case 5 -> {
                    byte[] garbage = new byte[length];
                    new Random(input.u16()).nextBytes(garbage);
                    System.arraycopy(garbage, 0, file, from, length);
                }
                default -> file = Arrays.copyOf(file, file.length + length);
            }
        }
        return file;
    }

    /** Records of any content whose checksums are right: not by chance, then. */
    private static byte[] forged(FuzzInput input) {
        ByteArrayOutputStream file = new ByteArrayOutputStream();
        for (int sequence = 0; input.hasMore(); sequence++) {
            byte[] body = input.someBytes(input.u16());
            byte[] record = new byte[12 + body.length];
            int kind = sequence == 0 ? 1 : 1 + input.u8() % 3;
            ByteBuffer.wrap(record)
                    .put((byte) 1)
                    .put((byte) kind)
                    .position(8)
                    .putInt(sequence)
                    .put(body);
            CRC32C checksum = new CRC32C();
            checksum.update(record, 0, 4);
            checksum.update(record, 8, record.length - 8);
            ByteBuffer.wrap(record).putInt(4, (int) checksum.getValue());
            ByteBuffer header = ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN);
            file.writeBytes(header.putInt(record.length).array());
            file.writeBytes(Arrays.copyOf(record, (record.length + 3) & ~3));
        }
        file.writeBytes(new byte[8]);
        return file.toByteArray();
    }

    private void checkDamaged(byte[] file) throws IOException {
        JournalScan scan = scan(file);
        checkText(scan.damage());
        int size = scan.records().size();
        require(size <= written.size(), "more records than were written");
        require(
                scan.records().equals(written.subList(0, size)),
                "records that were not written so");
        if (scan.damage() == null && size < written.size()) {
            int next = indexOfHeader(size);
            for (int i = next; i < file.length; i++) {
                require(file[i] == 0, "an end before the end, and nothing is said");
            }
        }
    }

    private int indexOfHeader(int record) {
        byte[] encoded = written.get(record).encode(record);
        for (int at = 0; at <= intact.length - encoded.length; at++) {
            if (Arrays.equals(intact, at, at + encoded.length, encoded, 0, encoded.length)) {
                return at - Integer.BYTES;
            }
        }
        throw new IllegalStateException("no such record");
    }

    /** What is read can be written again, and is then the same. */
    private static void checkDecoded(JournalScan scan) throws IOException {
        checkText(scan.damage());
        int sequence = 0;
        for (MapRecord record : scan.records()) {
            MapRecord again = MapRecord.decode(record.encode(sequence), sequence);
            require(again.equals(record), "another record when it is written again");
            sequence++;
        }
        JournalFixture.stateAfter(scan.records());
    }

    private void checkStart(byte[] file) throws IOException {
        Path folder = directory.resolve("started");
        delete(folder);
        Path journal = Files.createDirectories(folder.resolve("journal").resolve("7"));
        Files.write(journal.resolve(JournalWriter.FILE_NAME), file);
        int size = JournalScan.of(journal.resolve(JournalWriter.FILE_NAME)).records().size();
        List<String> warnings = new ArrayList<>();
        Mapping added = JournalFixture.mapping(100);
        List<Mapping> expected = states.get(size);
        try (MapJournal opened = MapJournal.open(folder.resolve("journal"), warnings::add)) {
            require(opened.mappings().equals(expected), "other mappings than were written");
            opened.appendMapped(added);
        }
        require(warnings.size() <= 1, warnings.toString());
        warnings.forEach(JournalFuzz::checkText);
        try (MapJournal opened = JournalFixture.open(folder.resolve("journal"))) {
            require(opened.mappings().size() == expected.size() + 1, "a mapping is lost");
            require(opened.mappings().contains(added), "the new mapping is lost");
        }
        delete(folder);
    }

    /** One line for a person. */
    private static void checkText(String text) {
        if (text != null) {
            require(
                    text.lines().count() == 1 && !text.contains("null"),
                    "no line for people: " + text);
        }
    }

    private static void delete(Path folder) {
        if (!Files.exists(folder)) {
            return;
        }
        try (Stream<Path> walk = Files.walk(folder)) {
            for (Path path : walk.sorted(java.util.Comparator.reverseOrder()).toList()) {
                Files.delete(path);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static void require(boolean holds, String what) {
        if (!holds) {
            throw new IllegalStateException(what);
        }
    }
}
