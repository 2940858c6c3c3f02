package org.rbdwrapper.client.exhaustion;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.rbdwrapper.broker.DurableFiles;
import org.rbdwrapper.client.RbdFile;
import org.rbdwrapper.client.admin.BrokerAdmin;
import org.rbdwrapper.client.admin.MappingInfo;
import org.rbdwrapper.client.death.PreloadedPython;
import org.rbdwrapper.ipc.Errno;
import org.rbdwrapper.ipc.ErrnoException;
import org.rbdwrapper.ipc.IoErrors;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;

/** The disks below a broker are full for a while: what fails, what goes on, and what is after. */
final class DiskFullSystemTest {
    private static final int MIB = 1024 * 1024;
    private static final int MAX_CHANGES = 5_000;

    private Path folder;
    private Tmpfs disk;
    private RealBroker broker;

    @BeforeEach
    void makeFolder() throws Exception {
        folder = Files.createTempDirectory("rbdw-");
        Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwxr-xr-x"));
    }

    @AfterEach
    void stop() throws Exception {
        if (broker != null) {
            broker.kill();
        }
        if (disk != null) {
            disk.close();
        }
        if (broker != null) {
            broker.close();
        } else {
            Files.deleteIfExists(folder);
        }
    }

    @Test
    void shouldMapNothingThatTheJournalDoesNotHoldAndLoseNothingThatItDoes() throws Exception {
        disk = Tmpfs.mount(folder.resolve("state"), "8m");
        broker = RealBroker.start(folder, "--store", "file:" + folder.resolve("images"));
        List<String> mapped;
        try (BrokerAdmin admin = broker.admin()) {
            admin.create("img", MIB);
            RealBroker.map(admin, "img", "kept");
            disk.fill();
            ErrnoException full =
                    assertThrows(ErrnoException.class, () -> changeUntilRefused(admin, "img"));
            assertEquals(Errno.ENOSPC, full.errno(), full.what());
            assertTrue(full.what().contains("journal"), full.what());
            mapped = paths(admin);
            assertTrue(mapped.contains("/rbdw/kept"), mapped::toString);
            // again, both ways: nothing changes
            for (int i = 0; i < 3; i++) {
                assertEquals(
                        Errno.ENOSPC,
                        assertThrows(
                                        ErrnoException.class,
                                        () -> RealBroker.map(admin, "img", "refused"))
                                .errno());
                assertEquals(
                        Errno.ENOSPC,
                        assertThrows(ErrnoException.class, () -> admin.unmap("/rbdw/kept", false))
                                .errno());
            }
            assertEquals(mapped, paths(admin));
            useAsBefore();
        }
        broker.kill();
        broker.startAgain(); // on the full disk
        try (BrokerAdmin admin = broker.admin()) {
            assertEquals(mapped, paths(admin));
            useAsBefore();
            assertEquals(
                    Errno.ENOSPC,
                    assertThrows(
                                    ErrnoException.class,
                                    () -> RealBroker.map(admin, "img", "refused"))
                            .errno());
            assertEquals(1, broker.logged("no change of the image map can be recorded"));
            disk.relieve();
            RealBroker.map(admin, "img", "later");
            admin.unmap("/rbdw/kept", false);
            mapped = paths(admin);
            assertTrue(mapped.contains("/rbdw/later") && !mapped.contains("/rbdw/kept"));
        }
        broker.kill();
        broker.startAgain();
        try (BrokerAdmin admin = broker.admin()) {
            assertEquals(mapped, paths(admin));
        }
    }

    /** Below the first number there is no room for a journal, from the last on there is. */
    @Test
    void shouldEndWithOneLineWhereTheFirstJournalFindsNoRoomAndNeverDieOfIt() throws Exception {
        disk = Tmpfs.mount(folder.resolve("state"), "8m");
        for (int kib : new int[] {0, 64, 132, 300, 440, 448, 456, 520, 1024}) {
            disk.fillBut(kib);
            try {
                broker = RealBroker.start(folder, "--store", "file:" + folder.resolve("images"));
            } catch (IOException e) {
                String refusal = e.getMessage();
                assertTrue(kib < 520, refusal);
                assertTrue(refusal.contains("no space left on device (ENOSPC)"), refusal);
                assertTrue(refusal.contains("a journal cannot be begun"), refusal);
                assertEquals(1, refusal.strip().lines().count(), refusal);
                disk.relieve();
                continue;
            }
            assertTrue(kib >= 300, "started with " + kib + " KiB");
            try (BrokerAdmin admin = broker.admin()) {
                admin.create("img" + kib, MIB);
                try {
                    RealBroker.map(admin, "img" + kib, "mapped");
                } catch (ErrnoException e) {
                    // the log took the last blocks after the start had found room
                    assertTrue(kib < 520, e.what());
                    assertEquals(Errno.ENOSPC, e.errno(), e.what());
                    assertEquals(List.of(), paths(admin));
                    disk.relieve();
                    RealBroker.map(admin, "img" + kib, "mapped");
                }
                disk.fill();
                ErrnoException full =
                        assertThrows(
                                ErrnoException.class, () -> changeUntilRefused(admin, "img" + kib));
                assertEquals(Errno.ENOSPC, full.errno(), full.what());
                assertTrue(paths(admin).contains("/rbdw/mapped"));
            }
            broker.kill();
            disk.relieve();
            DurableFiles.deleteTree(folder.resolve("state").resolve("journal"));
        }
    }

    @Test
    void shouldTellTheProgramWhereTheImagesDiskIsFullAndGoOnWhenThereIsRoom() throws Exception {
        disk = Tmpfs.mount(folder.resolve("images"), "4m");
        broker = RealBroker.start(folder, "--store", "file:" + folder.resolve("images"));
        byte[] model = new byte[16 * MIB];
        new SplittableRandom(1).nextBytes(model);
        Arrays.fill(model, MIB, model.length, (byte) 0);
        String path;
        try (BrokerAdmin admin = broker.admin()) {
            path = broker.image(admin, "img", model.length);
        }
        try (RbdFile file = RbdFile.openAt(broker.runDir(), path)) {
            writeAll(file, model, 0, MIB);
            file.force();
            disk.fill();
            for (int length : new int[] {64 * 1024, MIB}) { // in the messenger, and beside it
                IOException full =
                        assertThrows(
                                IOException.class,
                                () -> writeAll(file, new byte[8 * MIB], 4 * MIB, 4 * MIB + length));
                assertEquals(Errno.ENOSPC, IoErrors.errno(full));
            }
            // what is there can be read and written, and what is not reads as zeroes
            assertEquals(0, differenceFrom(model, file));
            new SplittableRandom(2).nextBytes(model);
            Arrays.fill(model, MIB, model.length, (byte) 0);
            writeAll(file, model, 0, MIB);
            file.force();
            try (BrokerAdmin admin = broker.admin()) {
                assertEquals(
                        Errno.ENOSPC,
                        assertThrows(ErrnoException.class, () -> admin.create("more", MIB))
                                .errno());
                assertEquals(List.of("img"), admin.list(""));
            }
            assertEquals(1, broker.logged("cannot be written (ENOSPC"), broker.output());
            disk.relieve();
            Arrays.fill(model, 4 * MIB, 5 * MIB, (byte) 7);
            writeAll(file, model, 4 * MIB, 5 * MIB);
            file.force();
            assertEquals(0, differenceFrom(model, file));
            try (BrokerAdmin admin = broker.admin()) {
                admin.create("more", MIB);
            }
        }
    }

    @Test
    void shouldRefuseNewSessionsWhereTheRunDirectoryIsFullAndTakeThemWhenThereIsRoom()
            throws Exception {
        disk = Tmpfs.mount(folder.resolve("run"), "1m");
        broker = RealBroker.start(folder, "--store", "memory");
        String path;
        try (BrokerAdmin admin = broker.admin()) {
            path = broker.image(admin, "img", MIB);
        }
        disk.fill();
        IOException full =
                assertThrows(IOException.class, () -> RbdFile.openAt(broker.runDir(), path));
        assertEquals(Errno.ENOSPC, IoErrors.errno(full), full.getMessage());
        assertTrue(full.getMessage().contains("cannot be noted"), full.getMessage());
        disk.relieve();
        try (RbdFile file = RbdFile.openAt(broker.runDir(), path)) {
            disk.fill(); // not a word to who is there
            for (int i = 0; i < 100; i++) {
                file.write(ByteBuffer.wrap(new byte[] {(byte) i}), i);
            }
            file.force();
        }
    }

    /** A client that cannot be noted tries again, and the broker still knows who it is. */
    @Test
    void shouldStillKnowWhoComesBackWhereTheRunDirectoryIsFullForAWhile() throws Exception {
        disk = Tmpfs.mount(folder.resolve("run"), "1m");
        broker = RealBroker.start(folder, "--store", "file");
        String path;
        try (BrokerAdmin admin = broker.admin()) {
            path = broker.image(admin, "img", MIB);
        }
        String writesTwice =
                """
                import os, sys
                image = os.open(sys.argv[1], os.O_RDWR)
                print(os.pwrite(image, b"1", 0), flush=True)
                sys.stdin.readline()
                print("again", flush=True)
                print(os.pwrite(image, b"2", 0), flush=True)
                """;
        Process program = PreloadedPython.start(broker.runDir(), writesTwice, path, Map.of());
        try {
            BufferedReader answers = program.inputReader();
            assertEquals("1", answers.readLine());
            broker.kill();
            broker.startAgain();
            disk.fill();
            program.outputWriter().append('\n').flush();
            assertEquals("again", answers.readLine());
            Thread.sleep(1000); // it comes back several times
            assertFalse(answers.ready());
            disk.relieve();
            assertEquals("1", answers.readLine());
        } finally {
            program.destroyForcibly();
        }
        assertEquals(0, broker.logged("back too late"), broker.output());
    }

    /** Maps and unmaps until a new journal must be begun. */
    private static void changeUntilRefused(BrokerAdmin admin, String image) throws Exception {
        String name = "n".repeat(200);
        for (int i = 0; i < MAX_CHANGES; i++) {
            RealBroker.map(admin, image, name);
            admin.unmap("/rbdw/" + name, false);
        }
    }

    private void useAsBefore() throws IOException {
        try (RbdFile file = RbdFile.openAt(broker.runDir(), "/rbdw/kept")) {
            file.write(ByteBuffer.wrap(new byte[4096]), 0);
            file.force();
        }
    }

    private static List<String> paths(BrokerAdmin admin) throws ErrnoException {
        return admin.mappings().stream().map(MappingInfo::path).sorted().toList();
    }

    private static void writeAll(RbdFile file, byte[] bytes, int from, int to) throws IOException {
        ByteBuffer buffer = ByteBuffer.wrap(bytes).position(from).limit(to);
        while (buffer.hasRemaining()) {
            file.write(buffer, buffer.position());
        }
    }

    /** How many bytes differ. */
    private static int differenceFrom(byte[] model, RbdFile file) throws IOException {
        ByteBuffer all = ByteBuffer.allocate(model.length);
        while (all.hasRemaining()) {
            file.read(all, all.position());
        }
        int differences = 0;
        for (int i = 0; i < model.length; i++) {
            differences += model[i] == all.get(i) ? 0 : 1;
        }
        return differences;
    }
}
