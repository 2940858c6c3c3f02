package org.rbdwrapper.perf.ways;

import org.rbdwrapper.perf.load.Job;
import org.rbdwrapper.perf.load.SharedFileLoad;
import org.rbdwrapper.perf.machine.Child;
import org.rbdwrapper.perf.machine.Environment;
import org.rbdwrapper.perf.machine.ThrowawayCluster;
import org.rbdwrapper.perf.machine.Tools;
import org.rbdwrapper.perf.measure.RunningLoad;
import org.rbdwrapper.perf.measure.Timeline;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;

/** rbd-fuse, read with O_DIRECT: else the page cache answers. */
final class RbdFuseWay implements FioWay {
    private static final Duration READY_LIMIT = Duration.ofSeconds(30);

    private final Environment environment;
    private final ThrowawayCluster cluster;
    private final Path folder;
    private Child server;

    RbdFuseWay(Environment environment, ThrowawayCluster cluster) {
        this.environment = environment;
        this.cluster = cluster;
        this.folder = environment.scratch().resolve("rbd-fuse");
    }

    @Override
    public WayKind kind() {
        return WayKind.RBD_FUSE;
    }

    @Override
    public Environment environment() {
        return environment;
    }

    @Override
    public String missing() {
        if (!Files.isReadable(Path.of("/dev/fuse"))) {
            return "/dev/fuse is not there or not ours";
        }
        return Tools.isOnPath("rbd-fuse") ? "" : "install rbd-fuse";
    }

    @Override
    public void begin(String image) throws IOException {
        Files.createDirectories(folder);
        server =
                environment
                        .cleanup()
                        .add(
                                Child.start(
                                        "rbd-fuse",
                                        List.of(
                                                "rbd-fuse",
                                                "-f",
                                                "-p",
                                                "rbd",
                                                "-c",
                                                cluster.conf().toString(),
                                                folder.toString()),
                                        Map.of("CEPH_CONF", cluster.conf().toString()),
                                        environment.scratch().resolve("rbd-fuse.out")));
        long deadline = System.nanoTime() + READY_LIMIT.toNanos();
        while (!Files.exists(folder.resolve(image))) {
            if (System.nanoTime() > deadline || !server.process().isAlive()) {
                throw server.failure("is not ready");
            }
            Tools.pause();
        }
    }

    @Override
    public List<String> options(String image, Job job) {
        return List.of("--direct=1", FioWay.engine(job), "--filename=" + folder.resolve(image));
    }

    /** rbd-fuse fails an open (ENOENT) while others open or read: many share one open file. */
    @Override
    public RunningLoad start(String image, Job job, Timeline timeline) throws IOException {
        return job.clients() > 1
                ? SharedFileLoad.start(folder.resolve(image), job, Images.BYTES, timeline)
                : FioWay.super.start(image, job, timeline);
    }

    @Override
    public List<Long> servers() {
        return List.of(server.process().pid());
    }

    /** It unmounts when it is terminated. */
    @Override
    public void end(String image) throws IOException {
        server.close();
        if (Files.exists(folder.resolve(image))) {
            throw server.failure("has left its file system mounted at " + folder);
        }
    }
}
