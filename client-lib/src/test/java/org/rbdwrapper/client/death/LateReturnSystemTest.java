package org.rbdwrapper.client.death;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.rbdwrapper.broker.testing.Signals;
import org.rbdwrapper.client.admin.BrokerAdmin;
import org.rbdwrapper.client.admin.ClientInfo;
import org.rbdwrapper.ipc.Errno;
import org.rbdwrapper.ipc.ErrnoException;

import java.io.BufferedReader;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Programs that write while their broker dies: who is late with the next one, and who is not. */
@Timeout(120)
final class LateReturnSystemTest {
    private static final String WRITES =
            """
            import os, sys
            image = os.open(sys.argv[1], os.O_RDWR)
            print("open", flush=True)
            for byte in (b"1", b"2"):
                try:
                    print(os.pwrite(image, byte, 0), flush=True)
                except OSError as e:
                    print(-e.errno, flush=True)
            os.close(image)
            print("closed", flush=True)
            sys.stdin.readline()
            """;

    /** More than the broker has workers. */
    private static final int MANY = 20;

    /** So long that who waits for two of them would be late: see ReturnGrace.LIMIT_NANOS. */
    private static final int SLOW_OPEN_MILLIS = 4_000;

    private final List<Process> programs = new ArrayList<>();
    private BrokerProcess broker;
    private String path;

    @BeforeEach
    void startBroker() throws Exception {
        broker = BrokerProcess.startProgram(FaultyStoreBroker.class.getName());
        path = broker.createAndMap("img", 1 << 20);
        FaultyStoreBroker.restartHoldingWrites(broker);
    }

    @AfterEach
    void stopBroker() throws Exception {
        for (Process program : programs) {
            program.destroyForcibly().waitFor();
        }
        broker.close();
    }

    private Process start(String image) throws Exception {
        Process program = PreloadedPython.start(broker.runDir(), WRITES, image, Map.of());
        programs.add(program);
        assertEquals("open", program.inputReader().readLine());
        return program;
    }

    private void replaceBroker() throws Exception {
        broker.kill();
        broker.startAgain();
    }

    /** It is there in time, and cannot help it that the store is slow. */
    @Test
    void shouldNotBeLateForAStoreThatHasAllWorkersWait() throws Exception {
        for (int i = 0; i < MANY; i++) {
            start(broker.createAndMap("img" + i, 1 << 20));
        }
        awaitRequests(MANY);
        FaultyStoreBroker.delayOpens(broker, SLOW_OPEN_MILLIS);
        replaceBroker();
        for (Process program : programs) {
            assertEquals("1", program.inputReader().readLine());
        }
        FaultyStoreBroker.haveNoFault(broker);
    }

    @Test
    void shouldHaveItsImageInUseOverSeveralBrokersUntilItIsBack() throws Exception {
        Process program = start(path);
        BufferedReader answers = program.inputReader();
        awaitRequests(1);
        Signals.send("STOP", program.pid());
        FaultyStoreBroker.haveNoFault(broker);
        replaceBroker();
        for (int i = 0; i < 3; i++) {
            String refusal = refusal();
            assertTrue(refusal.contains("python3 (pid " + program.pid()), refusal);
            replaceBroker();
        }
        Signals.send("CONT", program.pid());
        assertEquals(Integer.toString(-Errno.EIO.number()), answers.readLine());
        assertEquals("1", answers.readLine());
        assertEquals("closed", answers.readLine());
        unmap();
        program.destroyForcibly().waitFor();
        while (Files.exists(broker.runDir().resolve("sessions"))) {
            Thread.sleep(5); // until nobody is known to come back: the test's time limit ends it
        }
    }

    private void awaitRequests(int count) throws Exception {
        try (BrokerAdmin admin = broker.admin()) {
            while (admin.clients().stream().mapToLong(ClientInfo::inFlight).sum() < count) {
                Thread.sleep(5); // the test's time limit ends a wait in vain
            }
        }
    }

    private String refusal() {
        ErrnoException e = assertThrows(ErrnoException.class, this::unmap);
        assertEquals(Errno.EBUSY, e.errno());
        return e.getMessage();
    }

    private void unmap() throws Exception {
        try (BrokerAdmin admin = broker.admin()) {
            admin.unmap(path, false);
        }
    }
}
