package org.rbdwrapper.broker.store.ceph;

import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Tag;
import org.rbdwrapper.broker.store.ImageStore;
import org.rbdwrapper.broker.store.StoreContractTest;
import org.rbdwrapper.broker.testing.CephCluster;

import java.io.IOException;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;

/** The Ceph store does as the others do: each test in a namespace of its own. */
@Tag("ceph")
final class CephStoreContractSystemTest extends StoreContractTest {
    private static final AtomicInteger NAMESPACES = new AtomicInteger();

    private final String namespace =
            "contract-" + ProcessHandle.current().pid() + "-" + NAMESPACES.getAndIncrement();

    @Override
    protected ImageStore openStore() throws IOException, InterruptedException {
        CephCluster cluster = CephCluster.get();
        cluster.rbd("namespace", "create", "rbd/" + namespace);
        return CephStore.open(cluster.conf(), cluster.id(), Map.of());
    }

    @Override
    protected String namespace() {
        return namespace;
    }

    @Override
    protected int modelSteps() {
        return 400;
    }

    /** librbd leaves what is smaller than its granularity as it is. */
    @Override
    protected void checkDiscarded(byte[] before, byte[] after) {
        for (int i = 0; i < before.length; i++) {
            assertTrue(after[i] == 0 || after[i] == before[i], "byte " + i);
        }
    }
}
