package org.rbdwrapper.adm;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * A mount namespace, where {@code /tmp} is everybody's and {@code /run} has nothing but the
 * system's run directory, and programs of several users in it. Needs root.
 */
final class SharedHost {
    private final List<Process> started = new ArrayList<>();
    private final Installed rbdw;
    private final Path classes;
    private final Process host;

    /**
     * @param broker the user to whom /run/rbdwrapper belongs.
     */
    SharedHost(Installed rbdw, int broker) throws IOException, InterruptedException {
        this.rbdw = rbdw;
        classes = Files.createDirectory(rbdw.folder.resolve("classes"));
        copyClasses();
        String[] words = {"unshare", "-m", "sh", "-c", script(broker)};
        host = start(List.of(words), rbdw.folder.toString());
        awaitLine(host, "ready");
    }

    static boolean canBeMade() throws IOException, InterruptedException {
        return new ProcessBuilder("unshare", "-m", "nsenter", "--version").start().waitFor() == 0;
    }

    /** Ends what is left there, brokers included. */
    void close() throws Exception {
        run("for pid in /run/*/broker.pid /tmp/*/broker.pid; do kill $(cat $pid) || true; done");
        started.forEach(process -> process.destroyForcibly().onExit().join());
    }

    /** Words that run the rest as that user in the host, with these settings and no others. */
    List<String> as(int uid, String... settings) {
        List<String> words =
                new ArrayList<>(
                        List.of(
                                "nsenter",
                                "-m",
                                "-t",
                                Long.toString(host.pid()),
                                "--",
                                "setpriv",
                                "--reuid",
                                Integer.toString(uid),
                                "--regid",
                                Integer.toString(uid),
                                "--clear-groups",
                                "env",
                                "-u",
                                "XDG_RUNTIME_DIR",
                                "-u",
                                "RBDW_RUN_DIR"));
        words.addAll(List.of(settings));
        return words;
    }

    /** Runs a line of the shell there as root; returns what it printed. */
    String run(String line) throws Exception {
        return output(start(as(0), "sh", "-c", line));
    }

    /** A Java program of this package, with what a client needs. */
    String[] javaWords(String program, String... arguments) {
        List<String> words = new ArrayList<>();
        words.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        words.add("@" + rbdw.folder.resolve("tree/lib/client.jvmopts"));
        words.addAll(List.of("-Xmx64m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"));
        words.addAll(List.of("-cp", classes + ":" + rbdw.folder.resolve("tree/lib") + "/*"));
        words.add("org.rbdwrapper.adm." + program);
        words.addAll(List.of(arguments));
        return words.toArray(String[]::new);
    }

    private void copyClasses() throws IOException, InterruptedException {
        Path from = Path.of("target", "test-classes", "org", "rbdwrapper", "adm").toAbsolutePath();
        Path into =
                Files.createDirectories(
                        classes.resolve("org").resolve("rbdwrapper").resolve("adm"));
        for (String name : List.of("Impostor", "TrustingClient")) {
            Files.copy(from.resolve(name + ".class"), into.resolve(name + ".class"));
        }
        new ProcessBuilder("chmod", "-R", "a+rX", classes.toString()).start().waitFor();
    }

    /** With both outputs in one; ends with this. */
    Process start(List<String> prefix, String... words) throws IOException {
        List<String> all = new ArrayList<>(prefix);
        all.addAll(List.of(words));
        ProcessBuilder builder = new ProcessBuilder(all).redirectErrorStream(true);
        builder.environment().put("RBDW_STATE_DIR", rbdw.stateDir().toString());
        Process process = builder.start();
        started.add(process);
        return process;
    }

    static void awaitLine(Process process, String line) throws IOException {
        StringBuilder read = new StringBuilder();
        while (!read.toString().endsWith(line + "\n")) {
            int next = process.getInputStream().read();
            assertTrue(next >= 0, () -> "'" + line + "' in: " + read);
            read.append((char) next);
        }
    }

    /** The folder of this test is to be seen, though it may lie below what is covered. */
    private static String script(int broker) {
        return """
        set -e
        mount --bind "$0" /mnt
        mount -t tmpfs -o mode=1777 tmpfs /tmp
        mount -t tmpfs -o mode=755 tmpfs /run
        mkdir -p "$0"
        mount --bind /mnt "$0"
        install -d -m 755 -o %1$d /run/rbdwrapper
        echo ready
        exec cat
        """
                .formatted(broker);
    }

    static String output(Process process) throws Exception {
        return output(process, true);
    }

    static String output(Process process, boolean succeeds) throws Exception {
        String output = new String(process.getInputStream().readAllBytes(), UTF_8);
        assertTrue(process.waitFor(60, TimeUnit.SECONDS));
        if (succeeds) {
            assertEquals(0, process.exitValue(), output);
        }
        return output;
    }
}
