package org.rbdwrapper.client.exhaustion;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.rbdwrapper.client.admin.BrokerAdmin;
import org.rbdwrapper.ipc.Errno;
import org.rbdwrapper.ipc.ErrnoException;
import org.rbdwrapper.ipc.RunDirectories;
import org.rbdwrapper.ipc.posix.Fd;
import org.rbdwrapper.ipc.posix.ProcessIdentity;
import org.rbdwrapper.ipc.posix.UnixSocket;

import java.util.ArrayList;
import java.util.List;

/**
 * What each user gets of a broker that is small: 32 sessions, 64 MiB and 64 opens, a quarter of
 * them for one user.
 */
final class ClientLimitsSystemTest {
    private static final int ANN = 61_001;
    private static final int BOB = 61_002;
    private static final int MIB = 1024 * 1024;

    private final List<AutoCloseable> clients = new ArrayList<>();
    private RealBroker broker;
    private String image;

    @BeforeEach
    void start() throws Exception {
        assumeTrue(ProcessIdentity.uid() == 0, "needs root to become other users");
        broker =
                RealBroker.start(
                        "--store",
                        "memory",
                        "--max-sessions",
                        "32",
                        "--max-memory",
                        "64M",
                        "--max-opens",
                        "64");
        try (BrokerAdmin admin = broker.admin()) {
            image = broker.image(admin, "img", MIB);
        }
    }

    @AfterEach
    void stop() throws Exception {
        closeAll();
        if (broker != null) {
            broker.close();
        }
    }

    @Test
    void shouldRefuseSessionBeyondTheUsersShareAndNobodyElses() throws Exception {
        for (int i = 0; i < 8; i++) {
            connect(ANN);
        }
        for (int i = 0; i < 50; i++) { // refused before or after its Hello is sent: both say why
            ErrnoException refused = refused(() -> Client.connect(broker.runDir()));
            assertEquals(Errno.EUSERS, refused.errno());
            assertTrue(
                    refused.what()
                            .startsWith(
                                    "uid 61001 has 8 sessions and wants 1 more, all clients"
                                            + " together have 8 of 32; a user may have 8:"),
                    refused.what());
        }
        connect(BOB);
        connect(0);
        assertTrue(broker.logged("a client cannot be let in") <= 3, broker.output());
        closeFirst();
        await(() -> connect(ANN));
    }

    @Test
    void shouldCountConnectionsThatHaveNotSaidHello() throws Exception {
        String socket = broker.runDir().resolve(RunDirectories.SOCKET_NAME).toString();
        for (int i = 0; i < 200; i++) {
            int silent = User.as(ANN, () -> UnixSocket.connect(socket));
            clients.add(() -> Fd.close(silent));
        }
        connect(BOB);
        connect(0);
        assertTrue(broker.descriptors() < 150, () -> broker.descriptors() + " descriptors");
    }

    @Test
    void shouldKeepTheRestForWhoHasLittleAndTheLastOfItForRoot() throws Exception {
        int[] greedy = {61_011, 61_012, 61_013, 61_014};
        int let = 0;
        for (int uid : greedy) {
            for (int i = 0; i < 8; i++) {
                let += tryConnect(uid) ? 1 : 0;
            }
        }
        assertEquals(28, let); // 7/8
        assertTrue(tryConnect(BOB)); // up to 15/16
        assertTrue(tryConnect(61_021));
        assertTrue(!tryConnect(61_022));
        connect(0);
        connect(0);
        ErrnoException full = assertThrows(ErrnoException.class, () -> connect(0));
        assertEquals(Errno.EUSERS, full.errno());
        closeAll();
        await(() -> connect(61_022));
    }

    @Test
    void shouldRefuseMemoryBeyondShareAndLimit() throws Exception {
        for (int i = 0; i < 3; i++) {
            connect(ANN, 1, 64, 5 * MIB);
        }
        ErrnoException refused = refused(() -> Client.connect(broker.runDir(), 1, 64, 5 * MIB));
        assertEquals(Errno.ENOMEM, refused.errno());
        assertTrue(refused.what().contains("bytes of shared memory"), refused.what());
        assertTrue(refused.what().contains("--max-memory"), refused.what());
        connect(ANN); // less is there
        connect(BOB, 1, 64, 5 * MIB);
        for (int i = 0; i < 2; i++) {
            connect(0, 1, 64, 16 * MIB); // more than a share
        }
        assertEquals(
                Errno.ENOMEM,
                assertThrows(ErrnoException.class, () -> connect(0, 1, 64, 16 * MIB)).errno());
        closeAll();
        await(() -> connect(ANN, 1, 64, 15 * MIB));
    }

    @Test
    void shouldRefuseChannelsAndRequestsBeyondTheShare() throws Exception {
        connect(ANN, 63, 2, 64 * 1024);
        ErrnoException channels = refused(() -> Client.connect(broker.runDir(), 2, 2, 64 * 1024));
        assertEquals(Errno.EUSERS, channels.errno());
        assertTrue(channels.what().contains("has 63 channels and wants 2"), channels.what());
        connect(BOB, 4, 1024, 64 * 1024);
        ErrnoException requests =
                assertThrows(ErrnoException.class, () -> connect(BOB, 1, 1024, 64 * 1024));
        assertEquals(Errno.EUSERS, requests.errno());
        assertTrue(requests.what().contains("4096 requests in flight"), requests.what());
    }

    @Test
    void shouldRefuseOpensBeyondShareAndGiveThemBack() throws Exception {
        Client ann = connect(ANN);
        List<Long> handles = new ArrayList<>();
        for (int i = 0; i < 16; i++) {
            handles.add(ann.open(image));
        }
        ErrnoException refused = assertThrows(ErrnoException.class, () -> ann.open(image));
        assertEquals(Errno.ENFILE, refused.errno());
        assertTrue(refused.what().startsWith("open " + image + ": uid 61001 has 16 opens"));
        assertEquals( // of another session as well
                Errno.ENFILE,
                assertThrows(ErrnoException.class, () -> connect(ANN).open(image)).errno());
        connect(BOB).open(image);
        ann.close(handles.removeFirst());
        ann.open(image);
        // what has failed, or was not closed, is given back, too
        for (int i = 0; i < 100; i++) {
            assertThrows(ErrnoException.class, () -> ann.open("/rbdw/none"));
        }
        closeAll();
        await(
                () -> {
                    Client again = connect(ANN);
                    for (int i = 0; i < 16; i++) {
                        again.open(image);
                    }
                });
    }

    @Test
    void shouldBindTheRootsSessionsByTheirOwnTableAlone() throws Exception {
        Client root = connect(0);
        for (int i = 0; i < 64; i++) {
            root.open(image);
        }
        ErrnoException refused = assertThrows(ErrnoException.class, () -> root.open(image));
        assertEquals(Errno.ENFILE, refused.errno());
        assertTrue(refused.what().contains("64 of 64"), refused.what());
    }

    private Client connect(int uid) throws Exception {
        return connect(uid, 1, 2, 64 * 1024);
    }

    private Client connect(int uid, int channels, int depth, int arena) throws Exception {
        Client client = User.as(uid, () -> Client.connect(broker.runDir(), channels, depth, arena));
        clients.add(client);
        return client;
    }

    private boolean tryConnect(int uid) throws Exception {
        try {
            connect(uid);
            return true;
        } catch (ErrnoException e) {
            assertEquals(Errno.EUSERS, e.errno());
            return false;
        }
    }

    private static ErrnoException refused(java.util.concurrent.Callable<Client> connect) {
        return assertThrows(ErrnoException.class, () -> User.as(ANN, connect).close());
    }

    private void closeFirst() throws Exception {
        clients.removeFirst().close();
    }

    private void closeAll() throws Exception {
        while (!clients.isEmpty()) {
            closeFirst();
        }
    }

    /** The broker hears of a client's end a moment later. */
    private void await(Attempt attempt) throws Exception {
        long deadline = System.nanoTime() + 20_000_000_000L;
        while (true) {
            try {
                attempt.make();
                return;
            } catch (ErrnoException e) {
                if (System.nanoTime() > deadline) {
                    throw e;
                }
                closeAll();
                Thread.sleep(20);
            }
        }
    }

    @FunctionalInterface
    private interface Attempt {
        void make() throws Exception;
    }
}
