package org.rbdwrapper.client.death;

import org.junit.jupiter.api.Tag;
import org.rbdwrapper.broker.testing.CephCluster;

@Tag("ceph")
final class ClientDeathOnCephSystemTest extends ClientDeathContract {
    @Override
    String[] options() throws Exception {
        return new String[] {
            "--store",
            "ceph:" + CephCluster.get().conf(),
            "--id",
            CephCluster.get().id(),
            "--messengers", // each makes its connection when it first needs one
            "shared:1"
        };
    }
}
