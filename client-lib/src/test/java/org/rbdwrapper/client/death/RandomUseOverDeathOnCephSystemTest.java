package org.rbdwrapper.client.death;

import org.junit.jupiter.api.Tag;
import org.rbdwrapper.broker.testing.CephCluster;

@Tag("ceph")
final class RandomUseOverDeathOnCephSystemTest extends RandomUseOverDeathContract {
    @Override
    String[] options() throws Exception {
        return new String[] {
            "--store", "ceph:" + CephCluster.get().conf(), "--id", CephCluster.get().id()
        };
    }
}
