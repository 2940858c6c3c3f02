package org.rbdwrapper.client.hostile;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.rbdwrapper.broker.messenger.MessengerPolicy;
import org.rbdwrapper.broker.testing.TestBroker;
import org.rbdwrapper.client.admin.BrokerAdmin;
import org.rbdwrapper.ipc.RunDirectories;
import org.rbdwrapper.ipc.control.ControlConnection;
import org.rbdwrapper.ipc.posix.Fd;
import org.rbdwrapper.ipc.posix.UnixSocket;

import java.util.List;

/** A connection that does not say who it is. */
final class HelloTimeoutSystemTest {
    @Test
    void shouldDisconnectWhoSaysNothing() throws Exception {
        try (TestBroker broker =
                TestBroker.start("memory", MessengerPolicy.PER_CLIENT, null, 200_000_000L)) {
            int socket =
                    UnixSocket.connect(
                            broker.runDir().resolve(RunDirectories.SOCKET_NAME).toString());
            assertTrue(UnixSocket.awaitHangup(socket, 20_000));
            Fd.close(socket);
        }
    }

    @Test
    void shouldKeepSilentSessionThatHasSaidHello() throws Exception {
        try (TestBroker broker =
                        TestBroker.start("memory", MessengerPolicy.PER_CLIENT, null, 200_000_000L);
                BrokerAdmin admin =
                        BrokerAdmin.connect(
                                "test", ControlConnection.connect(List.of(broker.runDir())));
                RawSession session = new RawSession(broker.runDir())) {
            assertFalse(session.isHungUp(1_000));
            assertEquals(2, admin.clients().size());
        }
    }
}
