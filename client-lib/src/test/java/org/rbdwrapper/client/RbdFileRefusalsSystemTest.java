package org.rbdwrapper.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.rbdwrapper.broker.store.fault.Fault;
import org.rbdwrapper.broker.store.fault.FaultPlan;
import org.rbdwrapper.broker.store.fault.FaultPoint;
import org.rbdwrapper.broker.testing.JavaProcess;
import org.rbdwrapper.broker.testing.TestBroker;
import org.rbdwrapper.client.admin.BrokerAdmin;
import org.rbdwrapper.client.admin.MapRequest;
import org.rbdwrapper.ipc.Errno;
import org.rbdwrapper.ipc.ErrnoException;
import org.rbdwrapper.ipc.IoErrors;
import org.rbdwrapper.ipc.control.ControlConnection;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.NonWritableChannelException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.NoSuchFileException;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;

/** What a program is told that asks for what cannot be, or in whose operation something fails. */
final class RbdFileRefusalsSystemTest {
    private static final int LIMIT_SECONDS = 60;
    private static final int MIB = 1024 * 1024;
    private static final int LONGEST_PATH = 1023;

    private final FaultPlan plan = new FaultPlan();
    private TestBroker broker;
    private BrokerAdmin admin;
    private String path;

    @BeforeEach
    void start() throws Exception {
        broker = TestBroker.startFaulty(plan);
        admin = BrokerAdmin.connect("test", ControlConnection.connect(List.of(broker.runDir())));
        admin.create("img", MIB);
        path = admin.map(MapRequest.of("img"));
    }

    @AfterEach
    void stop() throws Exception {
        plan.clear();
        admin.close();
        broker.close();
    }

    @Test
    void shouldRefusePathsThatNoImageCanHave() {
        assertThrows(NullPointerException.class, () -> open(null));
        for (int length : new int[] {LONGEST_PATH + 1, 65_534, 65_535, 70_000, 5 * MIB}) {
            IOException tooLong = assertThrows(IOException.class, () -> open(named(length)));
            assertEquals(Errno.ENAMETOOLONG, IoErrors.errno(tooLong), () -> "length " + length);
            assertTrue(tooLong.getMessage().length() < 200, tooLong::getMessage);
        }
        assertThrows(NoSuchFileException.class, () -> open(named(LONGEST_PATH)));
        assertThrows(
                ErrnoException.class,
                () -> open("/rbdw/" + "\u00fc".repeat(LONGEST_PATH / 2)),
                "bytes are counted and not letters");
    }

    private static String named(int length) {
        return "/rbdw/" + "x".repeat(length - 6);
    }

    @Test
    void shouldRefuseToCreateAndTellWhatIsThere() throws Exception {
        OpenOption[] options = {StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE};
        assertThrows(FileAlreadyExistsException.class, () -> open(path, options));
        assertThrows(NoSuchFileException.class, () -> open("/rbdw/nowhere", options));
        admin.unmap(path, false); // the refused open has left nothing open
    }

    @Test
    void shouldSayThatBuffersOfAnyLengthAreTooMuch() throws Exception {
        try (RbdFile file = open(path)) {
            for (int length : new int[] {Integer.MAX_VALUE, Integer.MAX_VALUE - 4096, 20 * MIB}) {
                IOException none = assertThrows(IOException.class, () -> file.allocate(length));
                assertEquals(Errno.ENOMEM, IoErrors.errno(none));
                assertTrue(none.getMessage().contains(Integer.toString(length)), none::getMessage);
            }
            file.allocate(1).close();
        }
    }

    @Test
    void shouldRefuseToChangeRangesAsItRefusesToWrite() throws Exception {
        RbdFile reader = open(path, StandardOpenOption.READ);
        for (long length : new long[] {0, 1}) {
            assertThrows(NonWritableChannelException.class, () -> reader.discard(0, length));
            assertThrows(NonWritableChannelException.class, () -> reader.writeZeroes(0, length));
        }
        assertThrows(IllegalArgumentException.class, () -> reader.discard(-1, 1));
        assertThrows(IllegalArgumentException.class, () -> reader.writeZeroes(0, -1));
        reader.close();
        for (long length : new long[] {0, 1}) {
            assertThrows(ClosedChannelException.class, () -> reader.discard(0, length));
            assertThrows(ClosedChannelException.class, () -> reader.writeZeroes(0, length));
        }
        assertThrows(ClosedChannelException.class, () -> reader.allocate(1));
        assertThrows(IllegalArgumentException.class, () -> reader.discard(-1, 1));
    }

    @Test
    void shouldFailAlikeWithAndWithoutSync() throws Exception {
        plan.add(Fault.fail(FaultPoint.WRITE, Errno.ENOMEM));
        plan.add(Fault.fail(FaultPoint.FLUSH, Errno.ENOMEM));
        String expected = path + ": write of 512 bytes at 7: cannot allocate memory (ENOMEM)";
        try (RbdFile plain = open(path);
                RbdFile synced =
                        open(
                                path,
                                StandardOpenOption.READ,
                                StandardOpenOption.WRITE,
                                StandardOpenOption.SYNC)) {
            for (RbdFile file : List.of(plain, synced)) {
                ErrnoException waited =
                        assertThrows(
                                ErrnoException.class,
                                () -> file.write(ByteBuffer.allocate(512), 7));
                assertEquals(expected, waited.getMessage());
                CompletableFuture<Integer> later = file.writeAsync(ByteBuffer.allocate(512), 7);
                ExecutionException failed =
                        assertThrows(
                                ExecutionException.class,
                                () -> later.get(LIMIT_SECONDS, TimeUnit.SECONDS));
                assertEquals(expected, failed.getCause().getMessage());
                Throwable seen =
                        later.handle((done, failure) -> failure)
                                .get(LIMIT_SECONDS, TimeUnit.SECONDS);
                assertInstanceOf(ErrnoException.class, seen);
                assertEquals(expected, seen.getMessage());
            }
            plan.clear();
            plan.add(Fault.fail(FaultPoint.FLUSH, Errno.ENOMEM));
            Throwable flush =
                    synced.writeAsync(ByteBuffer.allocate(512), 7)
                            .handle((done, failure) -> failure)
                            .get(LIMIT_SECONDS, TimeUnit.SECONDS);
            assertInstanceOf(ErrnoException.class, flush);
            plan.clear();
            assertEquals(
                    512,
                    synced.writeAsync(ByteBuffer.allocate(512), 7)
                            .get(LIMIT_SECONDS, TimeUnit.SECONDS));
        }
    }

    @Test
    void shouldGoOnWithWhatASyncedWriteBeganThoughItsFutureWasCompleted() throws Exception {
        RbdFile synced = open(path, StandardOpenOption.WRITE, StandardOpenOption.SYNC);
        plan.add(Fault.hold(FaultPoint.WRITE));
        CompletableFuture<Integer> written = synced.writeAsync(ByteBuffer.allocate(512), 0);
        plan.awaitHeld(1);
        assertTrue(written.complete(1));
        CompletableFuture<Void> closed =
                CompletableFuture.runAsync(
                        () -> {
                            try {
                                synced.close();
                            } catch (IOException e) {
                                throw new IllegalStateException(e);
                            }
                        });
        assertFalse(closed.isDone());
        plan.clear();
        closed.get(LIMIT_SECONDS, TimeUnit.SECONDS);
    }

    @Test
    void shouldNameTheOptionWhereNativeAccessIsDenied() throws Exception {
        String output = runDenied("--add-exports=java.base/jdk.internal.misc=ALL-UNNAMED");
        assertTrue(output.contains("the JVM option --enable-native-access=ALL-UNNAMED"), output);
        assertFalse(output.contains("ExceptionInInitializerError"), output);
    }

    private String runDenied(String option) throws Exception {
        Process program =
                new ProcessBuilder(
                                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                                option,
                                "--illegal-native-access=deny",
                                "-XX:+UseSerialGC",
                                "-cp",
                                System.getProperty("java.class.path"),
                                ReadingClient.class.getName(),
                                broker.runDir().toString(),
                                path)
                        .redirectErrorStream(true)
                        .start();
        try {
            String output =
                    new String(program.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            assertTrue(program.waitFor(LIMIT_SECONDS, TimeUnit.SECONDS));
            return output;
        } finally {
            program.destroyForcibly();
        }
    }

    @Test
    void shouldRefuseATimeoutThatIsNoNumber() throws Exception {
        for (String timeout : List.of("soon", "-1")) {
            try (JavaProcess program =
                    JavaProcess.start(
                            Map.of("RBDW_RECONNECT_TIMEOUT", timeout),
                            ReadingClient.class,
                            broker.runDir().toString(),
                            path)) {
                assertTrue(program.process().waitFor(LIMIT_SECONDS, TimeUnit.SECONDS));
                String output = program.output();
                assertTrue(
                        output.contains(
                                "RBDW_RECONNECT_TIMEOUT is "
                                        + timeout
                                        + ": it must be a number of seconds"),
                        output);
                assertTrue(output.contains("EINVAL"), output);
            }
        }
    }

    private RbdFile open(String name, OpenOption... options) throws IOException {
        return RbdFile.openAt(broker.runDir(), name, options);
    }
}
