package org.rbdwrapper.client.death;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.rbdwrapper.broker.testing.JavaProcess;
import org.rbdwrapper.client.RbdFile;
import org.rbdwrapper.client.admin.BrokerAdmin;
import org.rbdwrapper.client.admin.MapRequest;
import org.rbdwrapper.client.hostile.ResumingClient;
import org.rbdwrapper.ipc.Errno;
import org.rbdwrapper.ipc.ErrnoException;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Map;

/**
 * What a program has open since before its broker was replaced is in use, whether it has heard of
 * the next broker or not: one under the preload library hears of it when it does something.
 */
@Timeout(120)
final class UnmapAfterDeathSystemTest {

    /** Does what it is told, a word a line, and answers with 0 or an error number. */
    private static final String OBEYS =
            """
            import ctypes, errno, os, platform, struct, sys
            libc = ctypes.CDLL(None)
            SIGEV_NONE = 1

            def write_asynchronously():
                block = ctypes.create_string_buffer(b"3", 1)
                aiocb = ctypes.create_string_buffer(168)
                struct.pack_into("iii4xPN", aiocb, 0, image, 0, 0, ctypes.addressof(block), 1)
                struct.pack_into("i", aiocb, 44, SIGEV_NONE)
                assert libc.aio_write(aiocb) == 0
                while libc.aio_error(aiocb) == errno.EINPROGRESS:
                    pass
                assert libc.aio_return(aiocb) == 1

            IO_SETUP, IO_DESTROY, IO_GETEVENTS, IO_SUBMIT = \
                {"x86_64": (206, 207, 208, 209), "aarch64": (0, 1, 4, 2)}[platform.machine()]
            PWRITE = 1
            context = ctypes.c_ulong(0)

            def write_in_context():
                if context.value == 0:
                    assert libc.syscall(IO_SETUP, 4, ctypes.byref(context)) == 0
                block = ctypes.create_string_buffer(b"4", 1)
                iocb = ctypes.create_string_buffer(64)
                struct.pack_into("QIIHhIQQq", iocb, 0, 0, 0, 0, PWRITE, 0, image,
                                 ctypes.addressof(block), 1, 0)
                list = (ctypes.c_void_p * 1)(ctypes.addressof(iocb))
                events = ctypes.create_string_buffer(32)
                one = ctypes.c_long(1)
                assert libc.syscall(IO_SUBMIT, context, one, list) == 1
                assert libc.syscall(IO_GETEVENTS, context, one, one, events, None) == 1

            image = os.open(sys.argv[1], os.O_RDWR)
            assert os.pwrite(image, b"1", 0) == 1
            print("open", flush=True)
            while True:
                word = sys.stdin.readline().strip()
                try:
                    if word == "write":
                        assert os.pwrite(image, b"2", 0) == 1
                    elif word == "asynchronously":
                        write_asynchronously()
                    elif word == "in context":
                        write_in_context()
                    elif word == "end context":
                        assert libc.syscall(IO_DESTROY, context) == 0
                    elif word == "open":
                        image = os.open(sys.argv[1], os.O_RDWR)
                    elif word == "close":
                        os.close(image)
                    elif word == "list":
                        os.listdir("/rbdw")
                    else:
                        break
                    print(0, flush=True)
                except OSError as e:
                    print(e.errno, flush=True)
            """;

    private BrokerProcess broker;
    private String path;

    @BeforeEach
    void startBroker() throws Exception {
        broker = BrokerProcess.start("--store", "file");
        path = broker.createAndMap("img", 1 << 20);
    }

    @AfterEach
    void stopBroker() throws Exception {
        broker.close();
    }

    @Test
    void shouldRefuseToUnmapWhatAnIdleProgramHasOpen() throws Exception {
        try (Obedient program = new Obedient()) {
            replaceBroker();
            String refusal = refusal();
            assertTrue(refusal.contains("python3 (pid " + program.pid()), refusal);
            assertEquals(0, program.tell("write"));
            refusal = refusal();
            assertTrue(refusal.contains("(pid " + program.pid()), refusal);
            assertEquals(0, program.tell("close"));
            unmap(false);
        }
    }

    /** The first one's successor may be killed before the program has heard of it. */
    @Test
    void shouldRefuseToUnmapWhatAProgramHasOpenSinceSeveralBrokers() throws Exception {
        try (Obedient program = new Obedient()) {
            replaceBroker();
            broker.stopForSuccessor();
            broker.startAgain();
            String refusal = refusal();
            assertTrue(refusal.contains("python3 (pid " + program.pid()), refusal);
        }
    }

    @Test
    void shouldUnmapWhatAProgramHasClosedSinceItsBrokerDied() throws Exception {
        try (Obedient program = new Obedient()) {
            replaceBroker();
            assertEquals(0, program.tell("close"));
            unmap(false);
        }
    }

    /** That has a session of its own, which stays when the file is closed. */
    @Test
    void shouldUnmapWhatAProgramHasClosedThatItWroteAsynchronously() throws Exception {
        try (Obedient program = new Obedient()) {
            assertEquals(0, program.tell("asynchronously"));
            for (int i = 0; i < 3; i++) {
                replaceBroker();
                assertEquals(0, program.tell("close"));
                unmap(false);
                try (BrokerAdmin admin = broker.admin()) {
                    admin.map(MapRequest.of("img"));
                }
                assertEquals(0, program.tell("open"));
                assertEquals(0, program.tell("asynchronously"));
            }
        }
    }

    /** The next broker has answered its requests before it knew that all could go on. */
    @Test
    void shouldUnmapWhatAProgramHasClosedThatCameBackWithAsynchronousRequests() throws Exception {
        try (Obedient program = new Obedient()) {
            assertEquals(0, program.tell("asynchronously"));
            replaceBroker();
            assertEquals(0, program.tell("write")); // those of other threads come back with it
            assertEquals(0, program.tell("close"));
            unmap(false);
        }
    }

    @Test
    void shouldUnmapWhatWasClosedWhileThereWasNoBroker() throws Exception {
        try (Obedient program = new Obedient()) {
            assertEquals(0, program.tell("asynchronously"));
            broker.awaitAllCounted();
            broker.kill();
            assertEquals(0, program.tell("close"));
            broker.startAgain();
            refusal(); // it could not say so
            assertEquals(0, program.tell("list"));
            unmap(false);
        }
    }

    /** It is given some seconds to answer. */
    @Test
    void shouldCloseWhereTheNextBrokerDoesNotAnswerAndTellItLater() throws Exception {
        try (Obedient program = new Obedient()) {
            replaceBroker();
            broker.freeze();
            try {
                assertEquals(0, program.tell("close"));
            } finally {
                broker.thaw();
            }
            refusal();
            assertEquals(0, program.tell("list"));
            unmap(false);
        }
    }

    /** Nothing of it is under way: it does not wait for a broker. */
    @Test
    void shouldUnmapWhatAContextHadOpenThatEndedWhileThereWasNoBroker() throws Exception {
        try (Obedient program = new Obedient()) {
            assertEquals(0, program.tell("in context"));
            broker.awaitAllCounted();
            broker.kill();
            assertEquals(0, program.tell("close"));
            assertEquals(0, program.tell("end context"));
            broker.startAgain();
            assertEquals(0, program.tell("list"));
            unmap(false);
        }
    }

    @Test
    void shouldUnmapWhatWasClosedBeforeTheBrokerDied() throws Exception {
        try (Obedient program = new Obedient()) {
            assertEquals(0, program.tell("close"));
            replaceBroker();
            unmap(false);
            assertEquals(0, program.tell("list"));
        }
    }

    @Test
    void shouldUnmapWhatAProgramHadOpenThatHasEnded() throws Exception {
        try (Obedient program = new Obedient()) {
            replaceBroker();
            program.kill();
        }
        unmap(false);
    }

    @Test
    void shouldUnmapByForceWhatAnIdleProgramHasOpen() throws Exception {
        try (Obedient program = new Obedient()) {
            replaceBroker();
            unmap(true);
            assertEquals(Errno.ESTALE.number(), program.tell("write"));
        }
    }

    /** It comes back at once: whether it has already or not makes no difference. */
    @Test
    void shouldRefuseToUnmapWhatAJavaProgramHasOpen() throws Exception {
        try (RbdFile file = RbdFile.openAt(broker.runDir(), path)) {
            for (int i = 0; i < 5; i++) {
                replaceBroker();
                refusal();
            }
            assertEquals(1, file.write(ByteBuffer.wrap(new byte[1]), 0));
        }
        unmap(false);
    }

    /** Neither at the broker that has the other one, nor at those that follow. */
    @Test
    void shouldNotLetAProgramComeBackForAnother() throws Exception {
        try (Obedient program = new Obedient();
                JavaProcess hostile =
                        JavaProcess.start(
                                Map.of(), ResumingClient.class, broker.runDir().toString())) {
            hostile.awaitLine("connected");
            replaceBroker();
            hostile.process().getOutputStream().close();
            hostile.awaitLine("all late");
            String refusal = refusal();
            assertTrue(refusal.contains("python3 (pid " + program.pid()), refusal);
            assertEquals(0, program.tell("write"));
            String late = "(pid " + program.pid() + ", uid";
            assertFalse(
                    broker.output()
                            .lines()
                            .anyMatch(l -> l.contains(late) && l.contains("back too late")),
                    broker.output());
        }
    }

    private void replaceBroker() throws Exception {
        broker.awaitAllCounted();
        broker.kill();
        broker.startAgain();
    }

    private String refusal() throws Exception {
        ErrnoException e = assertThrows(ErrnoException.class, () -> unmap(false));
        assertEquals(Errno.EBUSY, e.errno());
        return e.getMessage();
    }

    private void unmap(boolean force) throws Exception {
        try (BrokerAdmin admin = broker.admin()) {
            admin.unmap(path, force);
        }
    }

    /** A program under the preload library that has the image open. */
    private final class Obedient implements AutoCloseable {
        private final Process process;
        private final BufferedReader answers;

        Obedient() throws IOException {
            process = PreloadedPython.start(broker.runDir(), OBEYS, path, Map.of());
            answers = process.inputReader();
            assertEquals("open", answers.readLine());
        }

        long pid() {
            return process.pid();
        }

        int tell(String word) throws IOException {
            process.outputWriter().append(word).append('\n').flush();
            return Integer.parseInt(answers.readLine());
        }

        void kill() throws InterruptedException {
            process.destroyForcibly().waitFor();
        }

        @Override
        public void close() {
            process.destroyForcibly();
        }
    }
}
