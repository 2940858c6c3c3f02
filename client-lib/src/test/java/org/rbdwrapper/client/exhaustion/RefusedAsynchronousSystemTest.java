package org.rbdwrapper.client.exhaustion;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.rbdwrapper.broker.testing.JavaProcess;
import org.rbdwrapper.client.RbdFile;
import org.rbdwrapper.client.admin.BrokerAdmin;
import org.rbdwrapper.ipc.Errno;
import org.rbdwrapper.ipc.ErrnoException;
import org.rbdwrapper.ipc.IoErrors;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;

/**
 * A file's first asynchronous operation and first buffer in place take a session of their own: what
 * keeps that from being made is said at once, and later operations try again.
 */
@Timeout(120)
final class RefusedAsynchronousSystemTest {
    private static final int MIB = 1024 * 1024;

    @Test
    void shouldSayThatTheBrokerIsFullAndGoOnWhenThereIsRoom() throws Exception {
        try (RealBroker broker = RealBroker.start("--store", "memory", "--max-sessions", "8")) {
            String path;
            try (BrokerAdmin admin = broker.admin()) {
                path = broker.image(admin, "img", MIB);
            }
            try (RbdFile file = RbdFile.openAt(broker.runDir(), path)) {
                List<Client> others = fill(broker);
                assertEquals(Errno.EUSERS, errno(file.readAsync(ByteBuffer.allocate(1), 0)));
                assertEquals(Errno.EUSERS, errno(file.forceAsync()));
                ErrnoException refused = assertThrows(ErrnoException.class, () -> file.allocate(1));
                assertEquals(Errno.EUSERS, refused.errno());
                assertEquals(1, file.read(ByteBuffer.allocate(1), 0));
                for (Client other : others) {
                    other.close();
                }
                while (errno(file.readAsync(ByteBuffer.allocate(1), 0)) != null) {
                    Thread.sleep(20); // the broker hears of their ends a moment later
                }
                file.allocate(1).close();
            }
        }
    }

    @Test
    void shouldSayThatThereAreNoDescriptorsAndGoOnWhenThereAre() throws Exception {
        try (RealBroker broker = RealBroker.start("--store", "memory")) {
            String path;
            try (BrokerAdmin admin = broker.admin()) {
                path = broker.image(admin, "img", MIB);
            }
            try (JavaProcess program =
                    JavaProcess.start(
                            Map.of(), AsynchronousClient.class, broker.runDir().toString(), path)) {
                program.awaitLine("open");
                long pid = program.process().pid();
                limit(pid, RealBroker.numbersWith(pid, 1)); // a socket needs one, a session three
                ask(program);
                program.awaitLine("0 ");
                limit(pid, 4096);
                ask(program);
                program.awaitLine("1 ");
                assertTrue(program.output().contains("0 EMFILE"), program.output());
                assertTrue(program.output().contains("1 read"), program.output());
            }
        }
    }

    private static List<Client> fill(RealBroker broker) throws Exception {
        List<Client> clients = new ArrayList<>();
        while (true) {
            try {
                clients.add(Client.connect(broker.runDir()));
            } catch (ErrnoException e) {
                assertEquals(Errno.EUSERS, e.errno());
                return clients;
            }
        }
    }

    private static void ask(JavaProcess program) throws Exception {
        program.process().getOutputStream().write('\n');
        program.process().getOutputStream().flush();
    }

    private static void limit(long pid, int descriptors) throws Exception {
        String limit = "--nofile=" + descriptors + ":";
        Process prlimit = new ProcessBuilder("prlimit", "--pid", "" + pid, limit).start();
        assertEquals(0, prlimit.waitFor());
    }

    /** Null: it succeeded. */
    private static Errno errno(CompletableFuture<?> future) {
        try {
            future.join();
            return null;
        } catch (CompletionException e) {
            return IoErrors.errno(e);
        }
    }
}
