package org.rbdwrapper.perf.machine;

import java.io.Closeable;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
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
        return start(
                environment,
                Map.of(
                        "RBDW_TEST_CLUSTER_BYTES",
                        Long.toString(BYTES),
                        "RBDW_TEST_CLUSTER_THREADS",
                        "default"));
    }

    /** Its OSD keeps what it has acknowledged when it is killed. */
    public static ThrowawayCluster startDurable(Environment environment) throws IOException {
        return start(
                environment,
                Map.of(
                        "RBDW_TEST_CLUSTER_BYTES",
                        Long.toString(BYTES),
                        "RBDW_TEST_CLUSTER_STORE",
                        "bluestore"));
    }

    private static ThrowawayCluster start(Environment environment, Map<String, String> settings)
            throws IOException {
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
                        settings,
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
        rbd("create", "--size", (size >> 20) + "M", image);
    }

    public void remove(String image) throws IOException {
        rbd("rm", "--no-progress", image);
    }

    /** {@code rbd ARGUMENTS} as client.admin; what it printed. */
    public String rbd(String... arguments) throws IOException {
        return run("rbd", arguments);
    }

    /** {@code ceph ARGUMENTS} as client.admin; what it printed. */
    public String ceph(String... arguments) throws IOException {
        return run("ceph", arguments);
    }

    /**
     * @param daemon {@code osd.0} or {@code mon.a}.
     * @param name such as STOP.
     */
    public void signal(String daemon, String name) throws IOException {
        Tools.signal(pid(daemon), name);
    }

    /** kill -9, and starts it again when it has ended. */
    public void killAndStartOsd() throws IOException {
        Tools.kill(pid("osd.0"), LIMIT);
        run(
                "ceph-osd",
                "-i",
                "0",
                "--keyring",
                folder.resolve("osd.0").resolve("keyring").toString());
    }

    private long pid(String daemon) throws IOException {
        return Long.parseLong(Files.readString(folder.resolve(daemon + ".pid")).strip());
    }

    private String run(String program, String... arguments) throws IOException {
        List<String> words = new ArrayList<>(List.of(program, "-c", conf().toString()));
        words.addAll(List.of(arguments));
        Path output = Files.createTempFile(environment.scratch().path(), program, ".out");
        Child child = Child.start(program + " " + arguments[0], words, Map.of(), output);
        try {
            return child.await(LIMIT);
        } finally {
            child.close();
            Files.deleteIfExists(output);
        }
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
