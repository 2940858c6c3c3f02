package org.rbdwrapper.client.death;

import org.junit.jupiter.api.Tag;
import org.rbdwrapper.broker.testing.CephCluster;

@Tag("ceph")
final class TimesOverDeathOnCephSystemTest extends TimesOverDeathContract {
    @Override
    String[] options() throws Exception {
        return new String[] {
            "--store", "ceph:" + CephCluster.get().conf(), "--id", CephCluster.get().id()
        };
    }
}
