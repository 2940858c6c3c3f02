package org.rbdwrapper.client.durability;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.rbdwrapper.broker.DurableFiles;
import org.rbdwrapper.client.nativelib.NativeProgram;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.stream.Stream;

/**
 * Power loss at any moment: what a broker and its load do to the state directory is recorded by
 * {@code power_recorder}, call by call, and thousands of disks are made of the record as they may
 * be after a loss at some moment of it ({@link RecordedDisk} says what a disk promises). On each
 * the journal and the store are opened, and hold what was flushed and acknowledged until then.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class PowerLossSystemTest {
    /** Of the load; more with -Drbdw.power.seconds. */
    private static final int SECONDS = Integer.getInteger("rbdw.power.seconds", 4);

    /** Power losses; more with -Drbdw.power.losses. */
    private static final int LOSSES = Integer.getInteger("rbdw.power.losses", 1500);

    private static final int REPLACEMENTS = Math.max(2, SECONDS / 8);
    private static final int BROKER_STARTS = 20;

    private final long seed = Long.getLong("rbdw.power.seed", System.nanoTime());
    private Path folder;
    private Path disk;
    private Path recording;
    private List<RecordedEvent> events;

    @BeforeAll
    void recordLoad() throws Exception {
        Path memory = Path.of("/dev/shm");
        folder =
                Files.isWritable(memory)
                        ? Files.createTempDirectory(memory, "rbdw-power-")
                        : Files.createTempDirectory("rbdw-power-").toRealPath();
        disk = Files.createDirectory(folder.resolve("disk"));
        Files.createDirectory(folder.resolve("tmp"));
        recording = folder.resolve("recording");
        record(
                PowerLossLoad.class.getName(),
                disk.resolve("state").toString(),
                folder.resolve("run").toString(),
                folder.resolve("marks").toString(),
                Integer.toString(SECONDS),
                Integer.toString(REPLACEMENTS),
                Long.toString(seed));
        events = RecordedEvent.readAll(recording);
    }

    @AfterAll
    void removeFolder() throws IOException {
        DurableFiles.deleteTree(folder);
    }

    @Test
    void shouldHoldWhatWasFlushedAndAcknowledgedAfterAPowerLossAtAnyMoment() throws Exception {
        String objection = losePower(events);
        if (objection != null) {
            Path kept = Path.of("target", "power-loss-recording");
            Files.copy(recording, kept, StandardCopyOption.REPLACE_EXISTING);
        }
        assertNull(objection, () -> "seed " + seed + ": " + objection);
    }

    /** What the programs did, and not what could be lost: the recording is whole. */
    @Test
    void shouldRecordAllThatTheProgramsDo() throws Exception {
        RecordedDisk recorded = new RecordedDisk(disk, inode(disk));
        events.forEach(recorded::apply);
        Path whole = folder.resolve("whole");
        CrashKind none = new CrashKind(CrashKind.Loss.NONE, 512, new SplittableRandom(seed));
        recorded.loseInto(whole, none);
        assertEquals(contents(disk).keySet(), contents(whole).keySet());
        contents(disk)
                .forEach(
                        (name, bytes) -> assertArrayEquals(bytes, read(whole.resolve(name)), name));
        DurableFiles.deleteTree(whole);
    }

    /** A broker that left one kind of sync out would be found out. */
    @ParameterizedTest
    @ValueSource(strings = {".*/data", ".*\\.cq4", ".*/(state|journal|images|rbd|@)"})
    void shouldNoticeMissingSyncs(String ofFiles) throws Exception {
        assertNotNull(losePower(withoutSyncs(ofFiles)), () -> "seed " + seed);
    }

    private void record(String main, String... arguments) throws Exception {
        List<String> command = new ArrayList<>();
        command.add(NativeProgram.FOLDER.resolve("power_recorder").toString());
        command.add(disk.toString());
        command.add(folder.resolve("marks").toString());
        command.add(recording.toString());
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        Path options = Path.of("..", "broker", "src", "main", "jvm", "broker.jvmopts");
        command.add("@" + options.toAbsolutePath().normalize());
        command.addAll(List.of("-Xmx256m", "-XX:+UseSerialGC"));
        command.add("-Djava.io.tmpdir=" + folder.resolve("tmp"));
        command.addAll(List.of("-cp", System.getProperty("java.class.path"), main));
        command.addAll(List.of(arguments));
        Path output = folder.resolve("output");
        Process process =
                new ProcessBuilder(command)
                        .redirectErrorStream(true)
                        .redirectOutput(output.toFile())
                        .start();
        assertEquals(0, process.waitFor(), () -> "seed " + seed + ": " + text(output));
    }

    /** As if files that were made under such a name had never been synced. */
    private List<RecordedEvent> withoutSyncs(String ofFiles) {
        Map<Long, String> names = new HashMap<>();
        Set<Long> left = new HashSet<>();
        List<RecordedEvent> others = new ArrayList<>();
        for (RecordedEvent event : events) {
            switch (event.kind()) {
                case CREATE, MAKE_FOLDER -> names.put(event.inode(), event.path());
                case SYNC_BEGIN -> {
                    if (names.getOrDefault(event.inode(), "").matches(ofFiles)) {
                        left.add(event.a());
                    }
                }
                default -> {
                    // names and syncs are looked for
                }
            }
            boolean isSync =
                    event.kind() == RecordedEvent.Kind.SYNC_BEGIN
                            || event.kind() == RecordedEvent.Kind.SYNC_END;
            if (!isSync || !left.contains(event.a())) {
                others.add(event);
            }
        }
        assertFalse(left.isEmpty());
        return others;
    }

    /** What was wrong after the first loss after which something was, or null. */
    private String losePower(List<RecordedEvent> done) throws Exception {
        SplittableRandom random = new SplittableRandom(seed);
        RecordedDisk recorded = new RecordedDisk(disk, inode(disk));
        Expectation expectation = new Expectation();
        int losses = 0;
        for (int i = 0; i < done.size(); i++) {
            RecordedEvent event = done.get(i);
            recorded.apply(event);
            if (event.kind() == RecordedEvent.Kind.MARK) {
                expectation.apply(event);
            }
            while (losses < (long) LOSSES * (i + 1) / done.size()) {
                losses++;
                CrashKind crash = CrashKind.choose(random);
                boolean withBroker = losses % (LOSSES / BROKER_STARTS + 1) == 0;
                String objection = check(recorded, expectation, crash, withBroker);
                if (objection != null) {
                    return "after event " + i + ", " + crash + ": " + objection;
                }
            }
        }
        assertEquals(LOSSES, losses);
        return null;
    }

    /** What is wrong with the disk after this loss, or null. */
    private String check(
            RecordedDisk recorded, Expectation expectation, CrashKind crash, boolean withBroker)
            throws IOException {
        Path lost = folder.resolve("lost");
        try {
            recorded.loseInto(lost, crash);
            Path stateDir = lost.resolve("state");
            StateAfterCrash found = StateAfterCrash.open(stateDir);
            String objection = found.objection(expectation);
            if (objection == null && withBroker) {
                StateAfterCrash seen = StateAfterCrash.startBroker(stateDir, folder.resolve("r"));
                objection =
                        seen.mapped().equals(found.mapped())
                                        && seen.images().keySet().equals(found.images().keySet())
                                ? null
                                : "a broker sees " + seen + " and not " + found;
            }
            return objection;
        } catch (Exception e) {
            StringWriter trace = new StringWriter();
            e.printStackTrace(new PrintWriter(trace));
            return trace.toString();
        } finally {
            if (Files.exists(lost)) {
                DurableFiles.deleteTree(lost);
            }
        }
    }

    private static Map<String, byte[]> contents(Path folder) throws IOException {
        Map<String, byte[]> contents = new TreeMap<>();
        try (Stream<Path> files = Files.walk(folder)) {
            for (Path file : files.filter(Files::isRegularFile).toList()) {
                contents.put(folder.relativize(file).toString(), read(file));
            }
        }
        return contents;
    }

    private static byte[] read(Path file) {
        try {
            return Files.readAllBytes(file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static String text(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException e) {
            return e.toString();
        }
    }

    private static long inode(Path path) throws IOException {
        return (long) Files.getAttribute(path, "unix:ino");
    }
}
