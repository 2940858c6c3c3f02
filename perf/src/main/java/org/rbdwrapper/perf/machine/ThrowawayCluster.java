package org.rbdwrapper.perf.machine;

import java.io.Closeable;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;

/**
 * One monitor and one OSD in memory on loopback.
 *
 * @param folder whose {@code ceph.conf} leads to it.
 */
public record ThrowawayCluster(Environment environment, Path folder) implements Closeable {
    private static final Duration LIMIT = Duration.ofMinutes(3);

    /** Room for the images, and for what the OSD keeps beside them. */
    private static final long BYTES = 3L << 30;

    /** Null where Ceph's daemons and tools are installed, else what is missing. */
    public static String missing(Environment environment) {
        try {
            Child check =
                    Child.start(
                            "the check for Ceph",
                            List.of(environment.throwawayCluster().toString(), "check"),
                            Map.of(),
                            environment.scratch().resolve("ceph-check.out"));
            environment.cleanup().add(check).await(LIMIT);
            return null;
        } catch (IOException e) {
            return e.getMessage();
        }
    }

    public static ThrowawayCluster start(Environment environment) throws IOException {
        Path folder = environment.scratch().resolve("ceph");
        // added before it is started: its daemons are no children of ours
        ThrowawayCluster cluster =
                environment.cleanup().add(new ThrowawayCluster(environment, folder));
        // in a session of its own: a Ctrl-C must not cut it between a daemon's start and its
        // pid file
        Child script =
                Child.start(
                        "the start of the cluster",
                        List.of(
                                "setsid",
                                "--wait",
                                environment.throwawayCluster().toString(),
                                "start",
                                folder.toString()),
                        Map.of(
                                "RBDW_TEST_CLUSTER_BYTES",
                                Long.toString(BYTES),
                                "RBDW_TEST_CLUSTER_THREADS",
                                "default"),
                        environment.scratch().resolve("ceph-start.out"));
        environment.cleanup().add(new Unhurried(script));
        script.await(LIMIT);
        return cluster;
    }

    public Path conf() {
        return folder.resolve("ceph.conf");
    }

    /** An empty image with the cluster's default features. */
    public void create(String image, long size) throws IOException {
        Child rbd =
                Child.start(
                        "rbd create",
                        List.of(
                                "rbd",
                                "-c",
                                conf().toString(),
                                "create",
                                "--size",
                                (size >> 20) + "M",
                                image),
                        Map.of(),
                        environment.scratch().resolve("rbd.out"));
        environment.cleanup().add(rbd).await(LIMIT);
    }

    public void remove(String image) throws IOException {
        Child rbd =
                Child.start(
                        "rbd rm",
                        List.of("rbd", "-c", conf().toString(), "rm", "--no-progress", image),
                        Map.of(),
                        environment.scratch().resolve("rbd.out"));
        environment.cleanup().add(rbd).await(LIMIT);
    }

    @Override
    public void close() throws IOException {
        if (!Files.exists(folder)) {
            return;
        }
        Child.start(
                        "the stop of the cluster",
                        List.of(
                                environment.throwawayCluster().toString(),
                                "stop",
                                folder.toString()),
                        Map.of(),
                        environment.scratch().resolve("ceph-stop.out"))
                .await(LIMIT);
    }

    /** Is waited for before it is ended. */
    private record Unhurried(Child child) implements Closeable {
        @Override
        public void close() {
            child.finish(LIMIT);
        }
    }
}
