package org.rbdwrapper.client.death;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonParser;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.rbdwrapper.broker.testing.CephCluster;
import org.rbdwrapper.broker.testing.JavaProcess;
import org.rbdwrapper.client.RbdFile;
import org.rbdwrapper.client.WritingClient;
import org.rbdwrapper.client.admin.BrokerAdmin;
import org.rbdwrapper.client.admin.MapRequest;

import java.nio.ByteBuffer;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/** A broker that was killed on a cluster, and the one that comes after it. */
@Tag("ceph")
final class FencedPredecessorSystemTest {
    private static final String IMAGE = "fenced-" + System.nanoTime();

    @Test
    void shouldFenceTheDeadBeforeItAnswersAndTakeTheirLocks() throws Exception {
        try (BrokerProcess broker = BrokerProcess.start(options())) {
            try (BrokerAdmin admin = broker.admin()) {
                admin.create(IMAGE, 1 << 20);
                admin.map(MapRequest.of(IMAGE));
            }
            String path = "/rbdw/" + IMAGE;
            String owner;
            try (JavaProcess writer =
                    JavaProcess.start(
                            Map.of(), WritingClient.class, broker.runDir().toString(), path)) {
                writer.awaitLine("writing");
                owner = lockOwner();
                assertFalse(blocklist().contains(owner), owner);
                broker.kill(); // with the lock, and writes under way
            }
            long killed = System.nanoTime();
            broker.startAgain();
            Set<String> listed = blocklist();
            assertTrue(listed.contains(owner), owner + " is not in " + listed);
            try (RbdFile file = RbdFile.openAt(broker.runDir(), path)) {
                file.write(ByteBuffer.wrap(new byte[] {3}), 0);
                System.out.printf(
                        "from kill to first write %.1f s%n", (System.nanoTime() - killed) / 1e9);
                assertFalse(lockOwner().equals(owner));
                ByteBuffer back = ByteBuffer.allocate(1);
                file.read(back, 0);
                assertEquals(3, back.get(0));
            }
        }
    }

    private static String lockOwner() throws Exception {
        String locks = CephCluster.get().rbd("lock", "ls", "--format", "json", IMAGE);
        return JsonParser.parseString(locks)
                .getAsJsonArray()
                .get(0)
                .getAsJsonObject()
                .get("address")
                .getAsString();
    }

    private static Set<String> blocklist() throws Exception {
        return CephCluster.get()
                .ceph("osd", "blocklist", "ls")
                .lines()
                .map(line -> line.split(" ", 2)[0])
                .filter(word -> word.contains("/"))
                .collect(Collectors.toSet());
    }

    private static String[] options() throws Exception {
        return new String[] {
            "--store", "ceph:" + CephCluster.get().conf(), "--id", CephCluster.get().id()
        };
    }
}
