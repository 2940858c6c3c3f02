package org.rbdwrapper.broker.session;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import static java.nio.charset.StandardCharsets.US_ASCII;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.rbdwrapper.broker.ProcessStart;
import org.rbdwrapper.broker.messenger.OpenMappings;
import org.rbdwrapper.broker.messenger.RequestLedger;
import org.rbdwrapper.broker.messenger.SessionChannels;
import org.rbdwrapper.broker.messenger.UnflushedMappings;
import org.rbdwrapper.broker.store.ImageRef;
import org.rbdwrapper.broker.testing.UnreapedProcess;
import org.rbdwrapper.ipc.ImageSpec;
import org.rbdwrapper.ipc.posix.Fd;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.LongStream;
import java.util.zip.CRC32C;

/** A roster that is damaged: the broker starts, and waits for nobody who is not there. */
class SessionRosterTest {
    private static final SessionKey KEY = new SessionKey(0x1234_5678_9abcL, 7);
    private static final SessionKey OTHER = new SessionKey(0x1234_5678_9abcL, 8);

    /** Bytes: its line, and what follows it; behind it are counters, any of which may be. */
    private static final int ROSTERS_PART = RequestLedger.ROSTER_LENGTH + 8;

    private static final int UID = -2; // 4294967294

    @TempDir Path runDir;
    private int pid;
    private Path file;
    private byte[] intact;

    @BeforeEach
    void noteSessions() throws Exception {
        pid = (int) ProcessHandle.current().pid();
        new SessionRoster(runDir).add(KEY, OTHER, pid, UID);
        file = runDir.resolve("sessions").resolve(KEY.toString());
        intact = Files.readAllBytes(file);
    }

    @Test
    void shouldKnowWhoWasThere() {
        SessionRoster.Entry entry = load().get(KEY);
        assertEquals(
                new SessionRoster.Entry(
                        pid,
                        UID,
                        ProcessStart.timeOf(pid),
                        OTHER,
                        OpenMappings.NONE,
                        false,
                        UnflushedMappings.NONE,
                        false),
                entry);
    }

    @Test
    void shouldKnowWhatWasOpen() throws Exception {
        RequestLedger ledger = new SessionRoster(runDir).add(KEY, null, pid, UID);
        int most = 31;
        for (int index = 0; index <= most; index++) {
            int handle = SessionChannels.handleNumber(index, 7);
            ledger.countersOf(handle);
            ledger.opened(handle, 100 + index, false);
        }
        ledger.closed(SessionChannels.handleNumber(3, 7));
        Set<Long> open = LongStream.range(100, 100 + most).boxed().collect(Collectors.toSet());
        open.remove(103L);
        assertEquals(new OpenMappings(open, 100 + most), load().get(KEY).mappings());
        assertTrue(load().get(KEY).hadRequests(), "of the last one nothing is known");
        ledger.opened(SessionChannels.handleNumber(most + 1, 7), 100, false);
        assertEquals(100 + most, load().get(KEY).mappings().newestOfOthers());
        ledger.closed(SessionChannels.handleNumber(most, 7));
        assertEquals(100 + most, load().get(KEY).mappings().newestOfOthers());
        ledger.closed(SessionChannels.handleNumber(most + 1, 7));
        ledger.closed(SessionChannels.handleNumber(most + 1, 7));
        assertEquals(0, load().get(KEY).mappings().newestOfOthers());
    }

    @Test
    void shouldKnowWhoWasLate() {
        SessionRoster roster = new SessionRoster(runDir);
        assertFalse(load().get(KEY).isLate());
        roster.markLate(KEY);
        assertTrue(load().get(KEY).isLate());
        roster.remove(KEY);
        roster.markLate(KEY);
        assertEquals(Map.of(), load(), "it came back meanwhile");
    }

    @Test
    void shouldLoadWithAnyBitFlipped() throws IOException {
        for (int bit = 0; bit < ROSTERS_PART * 8; bit++) {
            byte[] damaged = intact.clone();
            damaged[bit / 8] ^= (byte) (1 << bit % 8);
            checkDamaged(damaged);
        }
    }

    /** Whose number may be a process's that was started in the same hundredth of a second. */
    @Test
    void shouldTakeNobodyFromADamagedLine() throws IOException {
        int lineLength = new String(intact, US_ASCII).indexOf('\n') + 1;
        for (int bit = 0; bit < lineLength * 8; bit++) {
            byte[] damaged = intact.clone();
            damaged[bit / 8] ^= (byte) (1 << bit % 8);
            Files.createDirectories(file.getParent());
            Files.write(file, damaged);
            assertEquals(Map.of(), load(), "bit " + bit);
        }
    }

    @Test
    void shouldLoadCutAndZeroed() throws IOException {
        for (int length = 0; length < ROSTERS_PART; length++) {
            checkDamaged(Arrays.copyOf(intact, length));
            byte[] zeroed = Arrays.copyOf(Arrays.copyOf(intact, length), intact.length);
            checkDamaged(zeroed);
        }
    }

    @Test
    void shouldLoadWithAnyCounterDamaged() throws IOException {
        for (int at = ROSTERS_PART; at < intact.length; at += Long.BYTES) {
            byte[] damaged = intact.clone();
            damaged[at + at / Long.BYTES % Long.BYTES] ^= (byte) 0xa5;
            checkDamaged(damaged);
        }
    }

    @Test
    void shouldNotTakeAnEntryWithoutATimeForAProcess() throws IOException {
        // there is no process of this number, and so it has no time either
        byte[] page = new byte[RequestLedger.PAGE_LENGTH];
        byte[] line = lineWithChecksum("2147483647 0  ");
        System.arraycopy(line, 0, page, 0, line.length);
        Files.write(file, page);
        assertEquals(Map.of(), load());
        assertFalse(Files.exists(file));
    }

    @Test
    void shouldNotWaitForAProcessThatHasEndedAndThatNobodyHasReaped() throws Exception {
        try (UnreapedProcess ended = UnreapedProcess.start()) {
            new SessionRoster(runDir).add(OTHER, null, (int) ended.pid(), UID);
            assertEquals(Set.of(KEY), load().keySet());
        }
    }

    /** The kernel has no number for a process of another PID namespace. */
    @Test
    void shouldNoteProcessThatCannotBeSeen() throws Exception {
        new SessionRoster(runDir).add(OTHER, null, 0, UID);
        assertTrue(load().get(OTHER).isHidden());
        assertFalse(load().get(KEY).isHidden());
    }

    @Test
    void shouldForgetWhatIsNoSession() throws Exception {
        Path folder = file.getParent();
        Files.createDirectories(folder.resolve(OTHER.toString()).resolve("below"));
        Files.createDirectory(folder.resolve("1-2"));
        Fd.makePipe(folder.resolve("1-3").toString(), 0600);
        Files.createSymbolicLink(folder.resolve("1-4"), folder);
        Files.createSymbolicLink(folder.resolve("1-5"), folder.resolve("1-5"));
        Files.writeString(folder.resolve("noise"), "x");
        assertEquals(Set.of(KEY), load().keySet());
        try (var left = Files.list(folder)) {
            assertEquals(1, left.count());
        }
    }

    @Test
    void shouldNoteSessionsWhereAFileWasInTheFoldersPlace() throws Exception {
        Files.delete(file);
        Files.delete(file.getParent());
        Files.writeString(file.getParent(), "not a folder");
        SessionRoster roster = new SessionRoster(runDir);
        assertEquals(Map.of(), roster.load());
        roster.add(KEY, null, pid, UID);
        assertTrue(load().containsKey(KEY));
    }

    @Test
    void shouldMakeLockFilesWhateverWasInTheirPlace() throws Exception {
        Path locks = runDir.resolve("locks");
        for (boolean keep : new boolean[] {false, true}) {
            Files.writeString(locks, "not a folder");
            LockFiles files = LockFiles.of(runDir, keep);
            ImageRef image = ImageRef.named(ImageSpec.parse("a"));
            assertTrue(files.descriptorOf(image) >= 0);
            files.forget(image);
            Files.createDirectories(locks.resolve("folder").resolve("below"));
            LockFiles.of(runDir, false);
            assertFalse(Files.exists(locks));
        }
    }

    private static byte[] lineWithChecksum(String process) {
        CRC32C checksum = new CRC32C();
        checksum.update(process.getBytes(US_ASCII));
        return "%s %08x\n".formatted(process, checksum.getValue()).getBytes(US_ASCII);
    }

    /** Whoever is found is a process that is there. */
    private void checkDamaged(byte[] contents) throws IOException {
        Files.createDirectories(file.getParent());
        Files.write(file, contents);
        for (SessionRoster.Entry entry : load().values()) {
            assertEquals(pid, entry.pid());
            assertEquals(ProcessStart.timeOf(pid), entry.startTime());
        }
    }

    private Map<SessionKey, SessionRoster.Entry> load() {
        return new SessionRoster(runDir).load();
    }
}
