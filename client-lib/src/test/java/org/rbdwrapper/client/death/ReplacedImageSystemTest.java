package org.rbdwrapper.client.death;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.rbdwrapper.client.RbdFile;
import org.rbdwrapper.client.admin.BrokerAdmin;
import org.rbdwrapper.client.admin.MapRequest;
import org.rbdwrapper.client.history.History;
import org.rbdwrapper.ipc.Errno;
import org.rbdwrapper.ipc.ErrnoException;

import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.Set;

/**
 * An image gives way to another of the same name while its programs wait for a broker: they are not
 * let loose on that one.
 */
final class ReplacedImageSystemTest {
    private static final int BLOCKS = 8;
    private static final int BLOCK_LENGTH = 4096;

    @TempDir private Path temporary;

    @Test
    void shouldNotGoOnWithAnotherImageOfTheSameName() throws Exception {
        try (BrokerProcess broker = BrokerProcess.start("--store", "file")) {
            String path = makeImage(broker);
            History history;
            try (RbdFile idle = RbdFile.openAt(broker.runDir(), path);
                    HistoryPrograms programs =
                            new HistoryPrograms(
                                    broker.runDir(), path, temporary, BLOCKS, BLOCK_LENGTH)) {
                for (HistoryPrograms.Kind kind : HistoryPrograms.Kind.values()) {
                    programs.start(kind);
                }
                broker.kill();
                BrokerProcess other = broker.startElsewhere();
                try (BrokerAdmin admin = other.admin()) {
                    admin.unmap(path, false);
                    admin.remove("replaced", (done, total) -> {});
                }
                assertEquals(path, makeImage(other));
                other.stop();
                broker.startAgain();
                Thread.sleep(500);
                ErrnoException stale = assertThrows(ErrnoException.class, idle::size);
                assertEquals(Errno.ESTALE, stale.errno());
                history = programs.finish();
            }
            assertEquals(
                    Set.of(Integer.toString(Errno.ESTALE.number())), history.failures().keySet());
            assertEquals(
                    HistoryPrograms.THREADS * HistoryPrograms.Kind.values().length,
                    history.failed().size(),
                    () -> "have failed: " + history.failed());
            ByteBuffer content = ByteBuffer.allocate(BLOCKS * BLOCK_LENGTH);
            try (RbdFile file = RbdFile.openAt(broker.runDir(), path)) {
                file.read(content, 0);
            }
            assertArrayEquals(new byte[BLOCKS * BLOCK_LENGTH], content.array());
        }
    }

    private static String makeImage(BrokerProcess broker) throws Exception {
        try (BrokerAdmin admin = broker.admin()) {
            admin.create("replaced", BLOCKS * BLOCK_LENGTH);
            return admin.map(MapRequest.of("replaced"));
        }
    }
}
