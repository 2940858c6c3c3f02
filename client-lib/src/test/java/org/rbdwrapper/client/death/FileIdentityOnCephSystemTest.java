package org.rbdwrapper.client.death;

import org.junit.jupiter.api.Tag;
import org.rbdwrapper.broker.testing.CephCluster;

@Tag("ceph")
final class FileIdentityOnCephSystemTest extends FileIdentityContract {
    @Override
    BrokerProcess start() throws Exception {
        CephCluster cluster = CephCluster.get();
        return BrokerProcess.start("--store", "ceph:" + cluster.conf(), "--id", cluster.id());
    }
}
