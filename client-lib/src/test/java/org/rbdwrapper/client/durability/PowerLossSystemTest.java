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
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.rbdwrapper.broker.DurableFiles;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
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
@Execution(ExecutionMode.SAME_THREAD)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class PowerLossSystemTest {
    /** Of the load; more with -Drbdw.power.seconds. */
    private static final int SECONDS = Integer.getInteger("rbdw.power.seconds", 4);

    /** Power losses; more with -Drbdw.power.losses. */
    private static final int LOSSES = Integer.getInteger("rbdw.power.losses", 1500);

    private static final int REPLACEMENTS = Math.max(2, SECONDS / 8);
    private static final int BROKER_STARTS = 20;
    private static final int LOSSES_AFTER_EACH = 5;

    private final long seed = Long.getLong("rbdw.power.seed", System.nanoTime());
    private PowerRecording recording;

    @BeforeAll
    void recordLoad() throws Exception {
        recording =
                PowerRecording.of(
                        "seed " + seed,
                        PowerLossLoad.class,
                        Integer.toString(SECONDS),
                        Integer.toString(REPLACEMENTS),
                        Long.toString(seed));
    }

    @AfterAll
    void deleteRecording() throws IOException {
        if (recording != null) {
            recording.close();
        }
    }

    @Test
    void shouldHoldWhatWasFlushedAndAcknowledgedAfterAPowerLossAtAnyMoment() throws Exception {
        String objection = losePower(recording.events());
        if (objection != null) {
            recording.keep();
        }
        assertNull(objection, () -> "seed " + seed + ": " + objection);
    }

    /** What the programs did, and not what could be lost: the recording is whole. */
    @Test
    void shouldRecordAllThatTheProgramsDo() throws Exception {
        Path disk = recording.disk();
        RecordedDisk recorded = recording.emptyDisk();
        recording.events().forEach(recorded::apply);
        Path whole = recording.folder().resolve("whole");
        CrashKind none = new CrashKind(CrashKind.Loss.NONE, 512, new SplittableRandom(seed));
        recorded.loseInto(whole, none);
        assertEquals(contents(disk).keySet(), contents(whole).keySet());
        contents(disk)
                .forEach(
                        (name, bytes) -> assertArrayEquals(bytes, read(whole.resolve(name)), name));
        DurableFiles.deleteTree(whole);
    }

    /** Then the next broker uses what it left. */
    @Test
    void shouldHoldWhatABrokerLeftThatWasKilledBeforeItCouldSync() throws Exception {
        try (PowerRecording killed = PowerRecording.of("seed " + seed, KilledBrokerLoad.class)) {
            PowerLosses losses = new PowerLosses(killed, new SplittableRandom(seed));
            for (RecordedEvent event : killed.events()) {
                losses.apply(event);
                for (int i = 0; i < LOSSES_AFTER_EACH; i++) {
                    String objection = losses.loseOnce(false);
                    assertNull(objection, () -> "seed " + seed + ", after " + event);
                }
            }
        }
    }

    /** A broker that left one kind of sync out would be found out. */
    @ParameterizedTest
    @ValueSource(strings = {".*/data", ".*\\.cq4", ".*/(state|journal|images|rbd|@)"})
    void shouldNoticeMissingSyncs(String ofFiles) throws Exception {
        assertNotNull(losePower(withoutSyncs(ofFiles)), () -> "seed " + seed);
    }

    /** As if files that were made under such a name had never been synced. */
    private List<RecordedEvent> withoutSyncs(String ofFiles) {
        Map<Long, String> names = new HashMap<>();
        Set<Long> left = new HashSet<>();
        List<RecordedEvent> others = new ArrayList<>();
        for (RecordedEvent event : recording.events()) {
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
    private String losePower(List<RecordedEvent> done) throws IOException {
        SplittableRandom random = new SplittableRandom(seed);
        PowerLosses losses = new PowerLosses(recording, random);
        for (int i = 0; i < done.size(); i++) {
            losses.apply(done.get(i));
            while (losses.count() < (long) LOSSES * (i + 1) / done.size()) {
                boolean withBroker = (losses.count() + 1) % (LOSSES / BROKER_STARTS + 1) == 0;
                String objection = losses.loseOnce(withBroker);
                if (objection != null) {
                    return "after event " + i + ", " + objection;
                }
            }
        }
        assertEquals(LOSSES, losses.count());
        return null;
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
}
