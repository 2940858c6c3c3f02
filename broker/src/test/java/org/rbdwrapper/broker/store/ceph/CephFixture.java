package org.rbdwrapper.broker.store.ceph;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.function.Executable;
import org.rbdwrapper.broker.store.StoreConnection;
import org.rbdwrapper.broker.testing.CephCluster;
import org.rbdwrapper.ipc.Errno;
import org.rbdwrapper.ipc.ErrnoException;
import org.rbdwrapper.ipc.ImageSpec;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * The store on the cluster of the tests, connected with a key that may do no more than a broker
 * needs. Images have names that no other test uses, and are removed at the end.
 */
final class CephFixture {
    private static final AtomicInteger NEXT = new AtomicInteger();

    private final List<ImageSpec> images = new ArrayList<>();
    private final List<StoreConnection> connections = new ArrayList<>();
    final CephCluster cluster;
    final CephStore store;
    final StoreConnection connection;

    CephFixture() throws IOException, InterruptedException {
        cluster = CephCluster.get();
        store = CephStore.open(cluster.conf(), cluster.id(), Map.of());
        connection = connect();
    }

    StoreConnection connect() throws ErrnoException {
        StoreConnection made = store.connect("test");
        connections.add(made);
        return made;
    }

    /** A name in pool rbd that is removed at the end, if there is an image of that name. */
    ImageSpec name() {
        return name("");
    }

    ImageSpec name(String suffix) {
        String unique = "store-" + ProcessHandle.current().pid() + "-" + NEXT.incrementAndGet();
        ImageSpec spec = ImageSpec.parse(unique + suffix);
        images.add(spec);
        return spec;
    }

    ImageSpec image(long size) throws ErrnoException {
        ImageSpec spec = name();
        connection.create(spec, size);
        return spec;
    }

    /** {@code call} fails with this number, in one line that has each of these words. */
    static void assertFails(Errno errno, Executable call, String... words) {
        ErrnoException failure = assertThrows(ErrnoException.class, call);
        assertEquals(errno, failure.errno(), failure.getMessage());
        assertFalse(failure.getMessage().contains("\n"), failure.getMessage());
        for (String word : words) {
            assertTrue(
                    failure.getMessage().contains(word),
                    failure.getMessage() + " does not say: " + word);
        }
    }

    void close() throws IOException, InterruptedException {
        connections.forEach(StoreConnection::close);
        store.close();
        for (ImageSpec spec : images) {
            if (cluster.rbd("ls").lines().anyMatch(spec.image()::equals)) {
                cluster.rbd("snap", "purge", "--no-progress", spec.toString());
                cluster.rbd("rm", "--no-progress", spec.toString());
            }
        }
    }
}
