package org.rbdwrapper.client.death;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.rbdwrapper.broker.testing.CephCluster;
import org.rbdwrapper.client.RbdFile;
import org.rbdwrapper.client.admin.BrokerAdmin;
import org.rbdwrapper.client.admin.MapRequest;
import org.rbdwrapper.ipc.ErrnoException;

import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;

@Tag("ceph")
final class TimesOverDeathOnCephSystemTest extends TimesOverDeathContract {
    @Override
    String[] options() throws Exception {
        return new String[] {
            "--store", "ceph:" + CephCluster.get().conf(), "--id", CephCluster.get().id()
        };
    }

    @Test
    void shouldLeaveNoTimesOfAnImageWhoseRemovalTheBrokerDidNotSurvive() throws Exception {
        String removed = "removed-" + System.nanoTime();
        // without an object map each of its objects is asked for: that takes some seconds
        CephCluster.get().rbd("create", removed, "--size", "64G", "--image-feature", "layering");
        BrokerProcess broker = broker();
        long before = timesFiles();
        try (BrokerAdmin admin = broker.admin()) {
            admin.map(MapRequest.of(removed));
            try (RbdFile file = RbdFile.openAt(broker.runDir(), "/rbdw/" + removed)) {
                file.write(ByteBuffer.wrap(new byte[] {1}), 0);
            }
            assertEquals(before + 1, timesFiles());
            admin.unmap("/rbdw/" + removed, false);
            assertThrows(
                    ErrnoException.class,
                    () -> admin.remove(removed, (done, total) -> killOnce(broker)));
        }
        broker.startAgain();
        try (BrokerAdmin admin = broker.admin()) {
            admin.remove(removed, (done, total) -> {});
        }
        assertEquals(before, timesFiles());
    }

    private static void killOnce(BrokerProcess broker) {
        try {
            broker.kill();
        } catch (Exception e) {
            throw new IllegalStateException(e);
        }
    }

    private long timesFiles() throws Exception {
        Path folder = broker().stateDir().resolve("ceph-times");
        if (!Files.exists(folder)) {
            return 0;
        }
        try (Stream<Path> files = Files.list(folder)) {
            return files.count();
        }
    }
}
