package org.rbdwrapper.client.death;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
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
import java.util.Map;

/** A program that is stopped while its broker dies under its write, and goes on much later. */
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

    private BrokerProcess broker;
    private String path;

    @BeforeEach
    void startBroker() throws Exception {
        broker = BrokerProcess.startProgram(FaultyStoreBroker.class.getName());
        path = broker.createAndMap("img", 1 << 20);
        broker.stop();
        FaultyStoreBroker.holdWrites(broker);
        broker.startAgain();
    }

    @AfterEach
    void stopBroker() throws Exception {
        broker.close();
    }

    @Test
    void shouldHaveItsImageInUseOverSeveralBrokersUntilItIsBack() throws Exception {
        Process program = PreloadedPython.start(broker.runDir(), WRITES, path, Map.of());
        try {
            BufferedReader answers = program.inputReader();
            assertEquals("open", answers.readLine());
            awaitRequest();
            Signals.send("STOP", program.pid());
            broker.kill();
            FaultyStoreBroker.haveNoFault(broker);
            broker.startAgain();
            for (int i = 0; i < 3; i++) {
                String refusal = refusal();
                assertTrue(refusal.contains("python3 (pid " + program.pid()), refusal);
                broker.kill();
                broker.startAgain();
            }
            Signals.send("CONT", program.pid());
            assertEquals(Integer.toString(-Errno.EIO.number()), answers.readLine());
            assertEquals("1", answers.readLine());
            assertEquals("closed", answers.readLine());
            unmap();
        } finally {
            program.destroyForcibly().waitFor();
        }
        broker.stop();
        assertFalse(Files.exists(broker.runDir().resolve("sessions")), "nobody comes back");
        broker.startAgain();
    }

    private void awaitRequest() throws Exception {
        try (BrokerAdmin admin = broker.admin()) {
            while (admin.clients().stream().mapToLong(ClientInfo::inFlight).sum() == 0) {
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
