package org.rbdwrapper.client.death;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;

import static java.nio.charset.StandardCharsets.US_ASCII;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.rbdwrapper.broker.testing.Signals;
import org.rbdwrapper.client.RbdFile;
import org.rbdwrapper.client.admin.BrokerAdmin;
import org.rbdwrapper.client.admin.ClientInfo;
import org.rbdwrapper.ipc.Errno;
import org.rbdwrapper.ipc.ErrnoException;

import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;

/**
 * Files that are truncated when their broker ends: the next one knows how far they were written.
 */
@Timeout(120)
final class EndOverDeathSystemTest {
    private static final int SIZE = 1 << 20;

    private static final String SKIPS =
            """
            import os, sys
            image = os.open(sys.argv[1], os.O_RDWR | os.O_TRUNC)
            os.pwrite(image, b"1" * 100, 0)
            print("open", flush=True)
            for line in sys.stdin:
                try:
                    print(os.pwrite(image, b"2" * 100, int(line)), flush=True)
                except OSError as e:
                    print(-e.errno, flush=True)
            """;

    private final List<Process> programs = new ArrayList<>();
    private final byte[] expected = new byte[SIZE];
    private BrokerProcess broker;
    private String path;

    @BeforeEach
    void startBroker() throws Exception {
        broker = BrokerProcess.startProgram(FaultyStoreBroker.class.getName());
        path = broker.createAndMap("img", SIZE);
        Arrays.fill(expected, (byte) 'x');
        try (RbdFile file = RbdFile.openAt(broker.runDir(), path)) {
            file.write(ByteBuffer.wrap(expected), 0);
        }
    }

    @AfterEach
    void stopBroker() throws Exception {
        for (Process program : programs) {
            program.destroyForcibly().waitFor();
        }
        broker.close();
    }

    private Process start() throws Exception {
        Process program = PreloadedPython.start(broker.runDir(), SKIPS, path, Map.of());
        programs.add(program);
        assertEquals("open", program.inputReader().readLine());
        expect(0, 100, '1');
        return program;
    }

    private static void tell(Process program, int position) throws Exception {
        program.outputWriter().write(position + "\n");
        program.outputWriter().flush();
    }

    private static String ask(Process program, int position) throws Exception {
        tell(program, position);
        return program.inputReader().readLine();
    }

    private RbdFile truncated() throws Exception {
        RbdFile file =
                RbdFile.openAt(
                        broker.runDir(),
                        path,
                        StandardOpenOption.READ,
                        StandardOpenOption.WRITE,
                        StandardOpenOption.TRUNCATE_EXISTING);
        file.write(ByteBuffer.wrap("1".repeat(100).getBytes(US_ASCII)), 0);
        expect(0, 100, '1');
        return file;
    }

    private static void write(RbdFile file, int position) throws Exception {
        assertEquals(
                100, file.write(ByteBuffer.wrap("3".repeat(100).getBytes(US_ASCII)), position));
    }

    private void expect(int from, int to, int value) {
        Arrays.fill(expected, from, to, (byte) value);
    }

    private void checkImage() throws Exception {
        try (RbdFile file = RbdFile.openAt(broker.runDir(), path)) {
            ByteBuffer held = ByteBuffer.allocate(SIZE);
            file.read(held, 0);
            assertArrayEquals(expected, held.array());
        }
    }

    private void replaceBroker(boolean byKill) throws Exception {
        if (byKill) {
            broker.kill();
        } else {
            broker.stopForSuccessor();
        }
        broker.startAgain();
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void shouldGoOnWithTheEnd(boolean byKill) throws Exception {
        Process program = start();
        try (RbdFile file = truncated()) {
            replaceBroker(byKill);
            write(file, 1000);
            expect(100, 1000, 0);
            expect(1000, 1100, '3');
            replaceBroker(byKill);
            assertEquals("100", ask(program, 2000));
            expect(1100, 2000, 0);
            expect(2000, 2100, '2');
            checkImage();
        }
    }

    /** A program that has nothing to do does not come back by itself: others write meanwhile. */
    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void shouldMoveTheEndOfWhoIsNotBackYet(boolean byKill) throws Exception {
        Process program = start();
        broker.awaitAllCounted();
        replaceBroker(byKill);
        try (RbdFile other = RbdFile.openAt(broker.runDir(), path)) {
            write(other, 5000);
        }
        expect(100, 5000, 0);
        expect(5000, 5100, '3');
        assertEquals("100", ask(program, 9000));
        expect(5100, 9000, 0);
        expect(9000, 9100, '2');
        checkImage();
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void shouldForgetTheEndOfWhoHasEndedMeanwhile(boolean byKill) throws Exception {
        Process program = start();
        broker.awaitAllCounted();
        if (byKill) {
            broker.kill();
        } else {
            broker.stopForSuccessor();
        }
        program.destroyForcibly().waitFor();
        broker.startAgain();
        try (RbdFile other = RbdFile.openAt(broker.runDir(), path)) {
            write(other, 5000);
        }
        expect(5000, 5100, '3');
        checkImage();
    }

    /** Zeroes that were not written when the broker ended are written by the next. */
    @Test
    void shouldWriteZeroesAnewThatABrokerHasDiedWith() throws Exception {
        Process program = start();
        broker.awaitAllCounted();
        FaultyStoreBroker.holdZeroes(broker);
        replaceBroker(true);
        try (RbdFile other = RbdFile.openAt(broker.runDir(), path)) {
            tell(program, 70_000);
            awaitRequests(1);
            CompletableFuture<Integer> waiting =
                    other.writeAsync(ByteBuffer.wrap("3".repeat(100).getBytes(US_ASCII)), 30_000);
            awaitRequests(2);
            write(other, 0); // before the end: it does not wait
            expect(0, 100, '3');
            assertFalse(waiting.isDone());
            broker.kill();
            FaultyStoreBroker.haveNoFault(broker);
            broker.startAgain();
            assertEquals(100, waiting.join());
        }
        assertEquals("100", program.inputReader().readLine());
        expect(100, 70_000, 0);
        expect(30_000, 30_100, '3');
        expect(70_000, 70_100, '2');
        checkImage();
    }

    /**
     * What it had under way is not done again; what it does then skips nothing that is not zeroes.
     */
    @Test
    void shouldKeepTheEndOfWhoIsLate() throws Exception {
        Process program = start();
        broker.awaitAllCounted();
        FaultyStoreBroker.holdZeroes(broker);
        replaceBroker(true);
        tell(program, 70_000);
        awaitRequests(1);
        Signals.send("STOP", program.pid());
        broker.kill();
        FaultyStoreBroker.haveNoFault(broker);
        broker.startAgain();
        try (RbdFile other = RbdFile.openAt(broker.runDir(), path)) {
            write(other, 5000);
        }
        expect(100, 5000, 0);
        expect(5000, 5100, '3');
        Signals.send("CONT", program.pid());
        assertEquals(Integer.toString(-Errno.EIO.number()), program.inputReader().readLine());
        assertEquals("100", ask(program, 8000));
        expect(5100, 8000, 0);
        expect(8000, 8100, '2');
        checkImage();
    }

    @Test
    void shouldFailWhereNobodyKnowsTheEndAnyMore() throws Exception {
        try (RbdFile file = truncated()) {
            broker.awaitAllCounted();
            broker.kill();
            Files.delete(broker.runDir().resolve("logical-ends"));
            broker.startAgain();
            ErrnoException e = assertThrows(ErrnoException.class, () -> write(file, 5000));
            assertEquals(Errno.EIO, e.errno());
        }
        checkImage();
    }

    private void awaitRequests(int count) throws Exception {
        try (BrokerAdmin admin = broker.admin()) {
            while (admin.clients().stream().mapToLong(ClientInfo::inFlight).sum() < count) {
                Thread.sleep(5); // the test's time limit ends a wait in vain
            }
        }
    }
}
