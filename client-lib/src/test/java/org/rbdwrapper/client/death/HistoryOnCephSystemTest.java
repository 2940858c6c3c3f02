package org.rbdwrapper.client.death;

import org.junit.jupiter.api.Tag;
import org.rbdwrapper.broker.testing.CephCluster;

@Tag("ceph")
final class HistoryOnCephSystemTest extends HistoryContract {
    @Override
    BrokerProcess startBroker() throws Exception {
        return BrokerProcess.start(
                "--store", "ceph:" + CephCluster.get().conf(), "--id", CephCluster.get().id());
    }

    /** The way to the OSD and back takes long enough for any. */
    @Override
    int bytesThatTakeTime() {
        return 512;
    }

    /** An OSD does one request on an object at a time. */
    @Override
    boolean areBlocksWhole() {
        return true;
    }
}
