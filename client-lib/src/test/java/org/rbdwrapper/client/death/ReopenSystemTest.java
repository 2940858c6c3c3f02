package org.rbdwrapper.client.death;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.function.Executable;
import org.rbdwrapper.client.RbdBuffer;
import org.rbdwrapper.client.RbdFile;
import org.rbdwrapper.client.admin.BrokerAdmin;
import org.rbdwrapper.client.admin.ClientInfo;
import org.rbdwrapper.ipc.Errno;
import org.rbdwrapper.ipc.ErrnoException;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.file.NoSuchFileException;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/** A store that does not open, for the next broker, what programs have open. */
@Timeout(120)
final class ReopenSystemTest {
    private static final int ENOUGH_FOR_EVER = 1_000_000;
    private static final int LIMIT_SECONDS = 60;
    private static final String WAITS = "waits until what it had open can be opened again";

    /** Writes, and once more when it is told to by the end of its input. */
    private static final String WRITES =
            """
            import os, sys
            image = os.open(sys.argv[1], os.O_RDWR)
            assert os.pwrite(image, b"1", 0) == 1
            print("writing", flush=True)
            sys.stdin.read()
            assert os.pwrite(image, b"2", 0) == 1
            assert os.pread(image, 1, 0) == b"2"
            """;

    private BrokerProcess broker;
    private String path;

    @BeforeEach
    void startBroker() throws Exception {
        broker = BrokerProcess.startProgram(FaultyStoreBroker.class.getName());
        path = broker.createAndMap("img", 1 << 20);
    }

    @AfterEach
    void stopBroker() throws Exception {
        broker.close();
    }

    @Test
    void shouldWaitInJavaForAStoreThatCannotOpenImagesForAWhile() throws Exception {
        try (RbdFile file = RbdFile.openAt(broker.runDir(), path);
                RbdBuffer buffer = file.allocate(512)) {
            writeInEachWay(file, buffer);
            replaceWithOneThatRefuses(Errno.ETIMEDOUT, 6);
            writeInEachWay(file, buffer);
        }
        assertLogCounts(3, WAITS);
    }

    @Test
    void shouldWaitUnderPreloadForAStoreThatCannotOpenImagesForAWhile() throws Exception {
        Process program = PreloadedPython.start(broker.runDir(), WRITES, path, Map.of());
        try {
            assertEquals('w', program.getInputStream().read());
            replaceWithOneThatRefuses(Errno.EMFILE, 3);
            program.getOutputStream().close();
            assertTrue(program.waitFor(LIMIT_SECONDS, TimeUnit.SECONDS));
            assertEquals(0, program.exitValue());
        } finally {
            program.destroyForcibly();
        }
        assertLogCounts(1, WAITS, "too many open files");
    }

    @Test
    void shouldNotWaitForWhatDoesNotPass() throws Exception {
        try (RbdFile file = RbdFile.openAt(broker.runDir(), path)) {
            replaceWithOneThatRefuses(Errno.EIO, 1);
            assertFails(Errno.EIO, () -> file.write(ByteBuffer.wrap(new byte[1]), 0));
            assertFails(Errno.EIO, () -> file.write(ByteBuffer.wrap(new byte[1]), 0));
        }
    }

    @Test
    void shouldTellWhoOpensForTheFirstTimeAtOnce() throws Exception {
        replaceWithOneThatRefuses(Errno.ETIMEDOUT, 1);
        assertFails(Errno.ETIMEDOUT, () -> RbdFile.openAt(broker.runDir(), path).close());
        RbdFile.openAt(broker.runDir(), path).close();
    }

    @Test
    void shouldLoseAFileThatIsUnmappedWhileItWaits() throws Exception {
        try (RbdFile file = RbdFile.openAt(broker.runDir(), path)) {
            file.writeAsync(ByteBuffer.wrap(new byte[1]), 0).join();
            broker.awaitAllCounted(); // or the unmap waits for this client, as for one that is late
            replaceWithOneThatRefuses(Errno.ETIMEDOUT, ENOUGH_FOR_EVER);
            CompletableFuture<Integer> write = file.writeAsync(ByteBuffer.wrap(new byte[1]), 0);
            awaitLog(WAITS);
            Thread.sleep(2500); // it is tried again once a second
            assertTrue(!write.isDone());
            assertLogCounts(2, WAITS); // it has two sessions
            try (BrokerAdmin admin = broker.admin()) {
                assertFails(Errno.EBUSY, () -> admin.unmap(path, false));
                admin.unmap(path, true);
            }
            assertThrows(
                    NoSuchFileException.class, () -> file.write(ByteBuffer.wrap(new byte[1]), 0));
            assertLogCounts(2, " goes on"); // it does not count as waiting any more
        }
    }

    /** Others wait for that as well: nobody is late. */
    @Test
    void shouldMakeAgainWhatWasUnderWayWhenItCanBeOpened() throws Exception {
        FaultyStoreBroker.restartHoldingWrites(broker);
        try (RbdFile file = RbdFile.openAt(broker.runDir(), path)) {
            CompletableFuture<Integer> write = file.writeAsync(ByteBuffer.wrap(new byte[] {7}), 0);
            Thread.sleep(300);
            assertTrue(!write.isDone());
            replaceWithOneThatRefuses(Errno.ETIMEDOUT, 6);
            assertEquals(1, write.join());
            assertEquals(7, firstByte(file));
        }
        assertLogCounts(2, WAITS);
        assertTrue(!broker.output().contains("back too late"), broker.output());
    }

    /** Handles have the same numbers with each broker. */
    @Test
    void shouldWriteToItsOwnImageWhatWasUnderWayWhenAFileWasClosed() throws Exception {
        String otherPath = broker.createAndMap("other", 1 << 20);
        FaultyStoreBroker.restartHoldingWrites(broker);
        RbdFile closed = RbdFile.openAt(broker.runDir(), path);
        try (RbdFile other = RbdFile.openAt(broker.runDir(), otherPath)) {
            closed.readAsync(ByteBuffer.allocate(1), 0).join();
            other.readAsync(ByteBuffer.allocate(1), 0).join();
            CompletableFuture<Integer> write =
                    closed.writeAsync(ByteBuffer.wrap(new byte[] {7}), 0);
            CompletableFuture<Void> closing =
                    CompletableFuture.runAsync(
                            () -> {
                                try {
                                    closed.close();
                                } catch (IOException e) {
                                    throw new UncheckedIOException(e);
                                }
                            });
            Thread.sleep(500);
            assertTrue(!write.isDone() && !closing.isDone());
            broker.kill();
            FaultyStoreBroker.haveNoFault(broker);
            broker.startAgain();
            closing.join();
            assertEquals(1, write.join());
            assertEquals(0, firstByte(other));
        }
        try (RbdFile again = RbdFile.openAt(broker.runDir(), path)) {
            assertEquals(7, firstByte(again));
        }
    }

    private static int firstByte(RbdFile file) throws IOException {
        ByteBuffer bytes = ByteBuffer.allocate(1);
        file.read(bytes, 0);
        return bytes.get(0);
    }

    private void awaitLog(String words) throws Exception {
        while (!broker.output().contains(words)) { // the class's time limit ends a wait in vain
            Thread.sleep(20);
        }
    }

    @Test
    void shouldCloseFilesThoughTheyCannotBeOpenedYet() throws Exception {
        RbdFile file = RbdFile.openAt(broker.runDir(), path);
        replaceWithOneThatRefuses(Errno.ETIMEDOUT, ENOUGH_FOR_EVER);
        awaitLog(WAITS);
        file.close(); // the class's time limit ends a wait in vain
    }

    @Test
    void shouldLeaveNothingOpenOfWhatWasClosedWhileItWaited() throws Exception {
        RbdFile other = RbdFile.openAt(broker.runDir(), path);
        try (RbdFile file = RbdFile.openAt(broker.runDir(), path)) {
            replaceWithOneThatRefuses(Errno.ETIMEDOUT, 2);
            awaitLog(WAITS);
            other.close();
            assertEquals(1, file.write(ByteBuffer.wrap(new byte[1]), 0));
            try (BrokerAdmin admin = broker.admin()) {
                assertEquals(1, openCount(admin));
            }
        }
    }

    /** A session has each of them. */
    private static void writeInEachWay(RbdFile file, RbdBuffer buffer) throws Exception {
        assertEquals(1, file.write(ByteBuffer.wrap(new byte[1]), 0));
        assertEquals(1, file.writeAsync(ByteBuffer.wrap(new byte[1]), 0).join());
        assertEquals(512, file.writeAsync(buffer.bytes().clear(), 0).join());
    }

    private static long openCount(BrokerAdmin admin) throws ErrnoException {
        return admin.clients().stream().mapToLong(ClientInfo::opens).sum();
    }

    private void replaceWithOneThatRefuses(Errno errno, int times) throws Exception {
        broker.kill();
        FaultyStoreBroker.refuseOpens(broker, errno, times);
        broker.startAgain();
    }

    private static void assertFails(Errno errno, Executable call) {
        assertEquals(errno, assertThrows(ErrnoException.class, call).errno());
    }

    /** Each session has a line when it begins to wait, and not for each time that it is refused. */
    private void assertLogCounts(int most, String... words) throws Exception {
        List<String> lines =
                broker.output()
                        .lines()
                        .filter(line -> List.of(words).stream().allMatch(line::contains))
                        .toList();
        assertTrue(!lines.isEmpty() && lines.size() <= most, broker.output());
    }
}
