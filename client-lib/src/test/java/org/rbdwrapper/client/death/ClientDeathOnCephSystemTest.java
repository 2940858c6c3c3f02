package org.rbdwrapper.client.death;

import com.google.gson.JsonParser;

import org.junit.jupiter.api.Tag;
import org.rbdwrapper.broker.testing.CephCluster;

import java.util.Map;

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

    @Override
    int messengers() {
        return 1;
    }

    @Override
    Map<String, Integer> holdingsInStore(String image) throws Exception {
        CephCluster cluster = CephCluster.get();
        long watchers =
                cluster.rbd("status", image).lines().filter(l -> l.contains("watcher=")).count();
        String locks = cluster.rbd("lock", "ls", "--format", "json", image);
        return Map.of(
                "watchers",
                (int) watchers,
                "locks",
                JsonParser.parseString(locks).getAsJsonArray().size());
    }
}
