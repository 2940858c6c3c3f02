package org.rbdwrapper.client.death;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.rbdwrapper.broker.testing.CephCluster;
import org.rbdwrapper.client.RbdFile;
import org.rbdwrapper.client.admin.BrokerAdmin;
import org.rbdwrapper.client.admin.MapRequest;
import org.rbdwrapper.ipc.Errno;
import org.rbdwrapper.ipc.ErrnoException;

import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ThreadLocalRandom;

/**
 * A broker that dies while librbd creates or removes an image for it, which librbd does in steps:
 * whatever is left, the messages lead to an image of that name.
 */
@Tag("ceph")
@Timeout(600)
final class BrokenOffImageSystemTest {
    private static final int KILLS = Math.max(3, Integer.getInteger("rbdw.broker.kills", 3) / 5);
    private static final long SIZE = 8 << 20;

    private final String prefix = "broken-off-" + System.nanoTime() + "-";
    private BrokerProcess broker;
    private int made;

    @BeforeEach
    void startBroker() throws Exception {
        broker =
                BrokerProcess.start(
                        "--store",
                        "ceph:" + CephCluster.get().conf(),
                        "--id",
                        CephCluster.get().id());
    }

    @AfterEach
    void stopBroker() throws Exception {
        broker.close();
    }

    @Test
    void shouldLeadToAnImageWhereTheBrokerDiedWhileCreatingOrRemovingIt() throws Exception {
        for (int kill = 0; kill < KILLS; kill++) {
            CompletableFuture<Void> turnover =
                    CompletableFuture.runAsync(this::createAndRemoveUntilTheBrokerDies);
            Thread.sleep(ThreadLocalRandom.current().nextInt(200, 400));
            assertFalse(turnover.isDone());
            broker.kill();
            turnover.join();
            broker.startAgain();
            useAndRemove(prefix + made);
        }
    }

    private void createAndRemoveUntilTheBrokerDies() {
        try (BrokerAdmin admin = broker.admin()) {
            while (true) {
                made++;
                admin.create(prefix + made, SIZE);
                admin.remove(prefix + made, (done, total) -> {});
            }
        } catch (ErrnoException e) {
            // the latter where it had not read the request
            assertTrue(
                    Set.of(Errno.ENOTCONN, Errno.ECONNRESET).contains(e.errno()), e.getMessage());
        } catch (Exception e) {
            throw new AssertionError(e);
        }
    }

    private void useAndRemove(String image) throws Exception {
        try (BrokerAdmin admin = broker.admin()) {
            try {
                admin.create(image, SIZE);
            } catch (ErrnoException e) {
                assertEquals(Errno.EEXIST, e.errno(), e.getMessage());
                if (e.getMessage().contains("is not complete")) {
                    assertTrue(e.getMessage().contains("remove it"), e.getMessage());
                    admin.remove(image, (done, total) -> {});
                    admin.create(image, SIZE);
                }
            }
            String path = admin.map(MapRequest.of(image));
            try (RbdFile file = RbdFile.openAt(broker.runDir(), path)) {
                assertEquals(SIZE, file.size());
            }
            admin.unmap(path, false);
            admin.remove(image, (done, total) -> {});
        }
    }
}
