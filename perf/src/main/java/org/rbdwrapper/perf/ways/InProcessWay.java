package org.rbdwrapper.perf.ways;

import org.rbdwrapper.perf.load.Job;
import org.rbdwrapper.perf.machine.Environment;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/**
 * librbd inside the program: fio's rbd engine. The yardstick.
 *
 * @param conf the ceph.conf of its librbd.
 */
record InProcessWay(Environment environment, Path conf) implements FioWay {
    @Override
    public WayKind kind() {
        return WayKind.IN_PROCESS;
    }

    @Override
    public List<String> options(String image, Job job) {
        return List.of(
                "--direct=1",
                "--ioengine=rbd",
                "--clientname=admin",
                "--pool=rbd",
                "--rbdname=" + image);
    }

    @Override
    public Map<String, String> variables() {
        return Map.of("CEPH_CONF", conf.toString());
    }
}
