package org.rbdwrapper.perf.ways;

import org.rbdwrapper.perf.load.Job;
import org.rbdwrapper.perf.machine.Child;
import org.rbdwrapper.perf.machine.Environment;
import org.rbdwrapper.perf.machine.ThrowawayCluster;
import org.rbdwrapper.perf.machine.Tools;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/** qemu-nbd over a Unix socket, and fio's nbd engine. */
final class QemuNbdWay implements FioWay {
    private static final Duration READY_LIMIT = Duration.ofSeconds(30);

    /** Of no cluster: an error at once. */
    private static final String NO_IMAGE = "rbd:none/none:conf=/dev/null";

    private final Environment environment;
    private final ThrowawayCluster cluster;
    private final Path socket;
    private Child server;

    QemuNbdWay(Environment environment, ThrowawayCluster cluster) {
        this.environment = environment;
        this.cluster = cluster;
        this.socket = environment.scratch().resolve("nbd.sock");
    }

    @Override
    public WayKind kind() {
        return WayKind.QEMU_NBD;
    }

    @Override
    public Environment environment() {
        return environment;
    }

    @Override
    public String missing() {
        if (!Tools.prints("nbd", "fio", "--enghelp")) {
            return "fio has no nbd engine";
        }
        // its help names what a module would bring, too: only an attempt shows whether that is
        // there
        return Tools.isFile("/usr/lib/*/qemu/block-rbd.so")
                        || (Tools.isOnPath("qemu-img")
                                && !Tools.prints("Unknown", "qemu-img", "info", NO_IMAGE))
                ? ""
                : "qemu cannot use rbd: install qemu-utils and qemu-block-extra";
    }

    @Override
    public void begin(String image) throws IOException {
        Files.deleteIfExists(socket);
        server =
                environment
                        .cleanup()
                        .add(
                                Child.start(
                                        "qemu-nbd",
                                        List.of(
                                                "qemu-nbd",
                                                "--socket=" + socket,
                                                "--format=raw",
                                                "--cache=none",
                                                "--persistent",
                                                "--shared=16",
                                                "rbd:rbd/"
                                                        + image
                                                        + ":id=admin:conf="
                                                        + cluster.conf()),
                                        java.util.Map.of(),
                                        environment.scratch().resolve("nbd.out")));
        long deadline = System.nanoTime() + READY_LIMIT.toNanos();
        while (!Files.exists(socket)) {
            if (System.nanoTime() > deadline || !server.process().isAlive()) {
                throw server.failure("is not ready");
            }
            Tools.pause();
        }
    }

    @Override
    public List<String> options(String image, Job job) {
        return List.of("--direct=1", "--ioengine=nbd", "--uri=nbd+unix:///?socket=" + socket);
    }

    @Override
    public List<Long> servers() {
        List<Long> pids = new ArrayList<>();
        pids.add(server.process().pid());
        return pids;
    }

    @Override
    public void end(String image) {
        server.close();
    }
}
