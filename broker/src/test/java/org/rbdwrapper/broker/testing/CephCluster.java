package org.rbdwrapper.broker.testing;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * The cluster that tests tagged {@code ceph} use: that of RBDW_TEST_CEPH_CONF, which {@code
 * ./verify} starts once for all, or one that is started at the first use and ends with the JVM.
 */
public final class CephCluster {
    private static CephCluster running;

    private final Path conf;

    private CephCluster(Path conf) {
        this.conf = conf;
    }

    public static synchronized CephCluster get() throws IOException, InterruptedException {
        if (running == null) {
            String given = System.getenv("RBDW_TEST_CEPH_CONF");
            running = new CephCluster(given != null && !given.isEmpty() ? Path.of(given) : start());
        }
        return running;
    }

    /**
     * One of the caller's own, to be made sick: its OSD keeps what it has acknowledged when it is
     * killed. {@link #stop} ends it.
     */
    public static CephCluster startDurable() throws IOException, InterruptedException {
        Path dir = Files.createTempDirectory("rbdw-ceph-");
        String output =
                run(
                        List.of(
                                "env",
                                "RBDW_TEST_CLUSTER_STORE=bluestore",
                                script().toString(),
                                "start",
                                dir.toString()));
        String[] lines = output.strip().split("\n");
        return new CephCluster(Path.of(lines[lines.length - 1]));
    }

    /** Ends it; only of {@link #startDurable}. */
    public void stop() throws IOException, InterruptedException {
        run(List.of(script().toString(), "stop", conf.getParent().toString()));
    }

    /**
     * @param daemon {@code osd.0} or {@code mon.a}; its process stays.
     * @param name as {@link Signals#send} takes it.
     */
    public void signal(String daemon, String name) throws IOException, InterruptedException {
        String pid = Files.readString(conf.resolveSibling(daemon + ".pid")).strip();
        Signals.send(name, Long.parseLong(pid));
    }

    /** kill -9, and starts it again when it has ended. */
    public void killAndStartOsd() throws Exception {
        long pid = Long.parseLong(Files.readString(conf.resolveSibling("osd.0.pid")).strip());
        ProcessHandle osd = ProcessHandle.of(pid).orElseThrow();
        osd.destroyForcibly();
        osd.onExit().get(60, TimeUnit.SECONDS);
        String keyring = conf.resolveSibling("osd.0").resolve("keyring").toString();
        run(List.of("ceph-osd", "-c", conf.toString(), "-i", "0", "--keyring", keyring));
    }

    /** From some seconds after this on the pools are full, whatever they hold. */
    public void fill() throws IOException, InterruptedException {
        setFullRatios("0.00001", "0.00001", "0.00001");
    }

    /** After {@link #fill}: there is room again. */
    public void relieve() throws IOException, InterruptedException {
        setFullRatios("0.95", "0.9", "0.85");
    }

    private void setFullRatios(String full, String backfillFull, String nearFull)
            throws IOException, InterruptedException {
        ceph("osd", "set-full-ratio", full);
        ceph("osd", "set-backfillfull-ratio", backfillFull);
        ceph("osd", "set-nearfull-ratio", nearFull);
    }

    public Path conf() {
        return conf;
    }

    /** The Ceph user whose key may do what a broker needs, and no more. */
    public String id() {
        return "rbdw";
    }

    /** {@code rbd ARGUMENTS} as client.admin; its output. */
    public String rbd(String... arguments) throws IOException, InterruptedException {
        List<String> words = new ArrayList<>(List.of("rbd", "-c", conf.toString()));
        words.addAll(List.of(arguments));
        return run(words);
    }

    /** {@code ceph ARGUMENTS} as client.admin; its output. */
    public String ceph(String... arguments) throws IOException, InterruptedException {
        List<String> words = new ArrayList<>(List.of("ceph", "-c", conf.toString()));
        words.addAll(List.of(arguments));
        return run(words);
    }

    /** {@code rados ARGUMENTS} as client.admin; its output. */
    public String rados(String... arguments) throws IOException, InterruptedException {
        List<String> words = new ArrayList<>(List.of("rados", "-c", conf.toString()));
        words.addAll(List.of(arguments));
        return run(words);
    }

    private static Path start() throws IOException, InterruptedException {
        Path script = script();
        Path dir = Files.createTempDirectory("rbdw-ceph-");
        Runtime.getRuntime()
                .addShutdownHook(
                        Thread.ofPlatform()
                                .unstarted(
                                        () -> {
                                            try {
                                                run(
                                                        List.of(
                                                                script.toString(),
                                                                "stop",
                                                                dir.toString()));
                                            } catch (IOException | InterruptedException e) {
                                                System.err.println(
                                                        "the cluster in "
                                                                + dir
                                                                + " was not stopped: "
                                                                + e);
                                            }
                                        }));
        String[] lines =
                run(List.of(script.toString(), "start", dir.toString())).strip().split("\n");
        return Path.of(lines[lines.length - 1]);
    }

    /** Tests run in the folder of their module. */
    static Path script() {
        return Path.of("..", "broker", "src", "test", "ceph", "throwaway-cluster")
                .toAbsolutePath()
                .normalize();
    }

    private static String run(List<String> words) throws IOException, InterruptedException {
        Path output = Files.createTempFile("rbdw-run-", ".out");
        Path errors =
                Files.createTempFile("rbdw-run-", ".err"); // warnings are no part of the answer
        try {
            Process process =
                    new ProcessBuilder(words)
                            .redirectOutput(output.toFile())
                            .redirectError(errors.toFile())
                            .start();
            if (!process.waitFor(120, TimeUnit.SECONDS)) {
                process.destroyForcibly();
                throw new IOException(String.join(" ", words) + " does not end");
            }
            String text = Files.readString(output, StandardCharsets.UTF_8);
            if (process.exitValue() != 0) {
                throw new IOException(
                        String.join(" ", words)
                                + " failed: "
                                + text
                                + Files.readString(errors, StandardCharsets.UTF_8));
            }
            return text;
        } finally {
            Files.delete(output);
            Files.delete(errors);
        }
    }
}
