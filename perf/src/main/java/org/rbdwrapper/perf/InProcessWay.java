package org.rbdwrapper.perf;

import java.util.List;
import java.util.Map;

/** librbd inside the program: fio's rbd engine. The yardstick. */
record InProcessWay(ThrowawayCluster cluster) implements Way {
    @Override
    public String name() {
        return "librbd in fio";
    }

    @Override
    public List<String> options(String image, FioJob job) {
        return List.of("--ioengine=rbd", "--clientname=admin", "--pool=rbd", "--rbdname=" + image);
    }

    @Override
    public Map<String, String> environment() {
        return Map.of("CEPH_CONF", cluster.conf().toString());
    }
}
