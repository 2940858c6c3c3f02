package org.rbdwrapper.client.death;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.function.Executable;
import org.rbdwrapper.client.RbdBuffer;
import org.rbdwrapper.client.RbdFile;
import org.rbdwrapper.client.admin.BrokerAdmin;
import org.rbdwrapper.client.admin.ClientInfo;
import org.rbdwrapper.client.admin.MapRequest;
import org.rbdwrapper.client.nativelib.NativeProgram;
import org.rbdwrapper.ipc.Errno;
import org.rbdwrapper.ipc.ErrnoException;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/** A store that does not open, for the next broker, what programs have open. */
@Timeout(120)
final class ReopenSystemTest {
    private static final int ENOUGH_FOR_EVER = 1_000_000;
    private static final int LIMIT_SECONDS = 60;
    private static final String PYTHON = "/usr/bin/python3";

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
        broker = BrokerProcess.startProgram(RefusingOpensBroker.class.getName());
        try (BrokerAdmin admin = broker.admin()) {
            admin.create("img", 1 << 20);
            path = admin.map(MapRequest.of("img"));
        }
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
            replaceWithOneThatRefuses(Errno.ETIMEDOUT, 2);
            writeInEachWay(file, buffer);
        }
        assertLogCounts(2, "waits until what it had open can be opened again");
    }

    @Test
    void shouldWaitUnderPreloadForAStoreThatCannotOpenImagesForAWhile() throws Exception {
        assumeTrue(Files.isExecutable(Path.of(PYTHON)), "python3 is not installed");
        Process program = start(WRITES);
        try {
            assertEquals('w', program.getInputStream().read());
            replaceWithOneThatRefuses(Errno.EMFILE, 2);
            program.getOutputStream().close();
            assertTrue(program.waitFor(LIMIT_SECONDS, TimeUnit.SECONDS));
            assertEquals(0, program.exitValue());
        } finally {
            program.destroyForcibly();
        }
        assertLogCounts(
                1, "waits until what it had open can be opened again", "too many open files");
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
            replaceWithOneThatRefuses(Errno.ETIMEDOUT, ENOUGH_FOR_EVER);
            CompletableFuture<Integer> write = file.writeAsync(ByteBuffer.wrap(new byte[1]), 0);
            Thread.sleep(2500); // it is tried again once a second
            assertTrue(!write.isDone());
            assertLogCounts(2, "waits until what it had open"); // it has two sessions
            try (BrokerAdmin admin = broker.admin()) {
                admin.unmap(path, false);
            }
            assertThrows(
                    NoSuchFileException.class, () -> file.write(ByteBuffer.wrap(new byte[1]), 0));
        }
    }

    @Test
    void shouldCloseFilesThoughTheyCannotBeOpenedYet() throws Exception {
        RbdFile file = RbdFile.openAt(broker.runDir(), path);
        replaceWithOneThatRefuses(Errno.ETIMEDOUT, ENOUGH_FOR_EVER);
        file.close(); // the class's time limit ends a wait in vain
    }

    @Test
    void shouldLeaveNothingOpenOfWhatWasClosedWhileItWaited() throws Exception {
        RbdFile other = RbdFile.openAt(broker.runDir(), path);
        try (RbdFile file = RbdFile.openAt(broker.runDir(), path)) {
            replaceWithOneThatRefuses(Errno.ETIMEDOUT, 2);
            Thread.sleep(500);
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

    private Process start(String script) throws IOException {
        ProcessBuilder builder =
                new ProcessBuilder(PYTHON, "-c", script, path)
                        .redirectError(ProcessBuilder.Redirect.INHERIT);
        builder.environment()
                .putAll(
                        Map.of(
                                "RBDW_RUN_DIR",
                                broker.runDir().toString(),
                                "LD_PRELOAD",
                                NativeProgram.FOLDER.resolve("librbdwrapper.so").toString()));
        return builder.start();
    }

    private static long openCount(BrokerAdmin admin) throws ErrnoException {
        return admin.clients().stream().mapToLong(ClientInfo::opens).sum();
    }

    private void replaceWithOneThatRefuses(Errno errno, int times) throws Exception {
        broker.kill();
        RefusingOpensBroker.refuse(broker, errno, times);
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
