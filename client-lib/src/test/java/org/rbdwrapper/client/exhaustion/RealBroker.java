package org.rbdwrapper.client.exhaustion;

import org.rbdwrapper.broker.testing.JavaProcess;
import org.rbdwrapper.client.admin.BrokerAdmin;
import org.rbdwrapper.client.admin.MapRequest;
import org.rbdwrapper.ipc.control.ControlConnection;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/** A broker in a process of its own, whose limits can be changed while it runs. */
final class RealBroker implements AutoCloseable {
    private final Path folder;
    private final List<String> arguments;
    private JavaProcess process;

    private RealBroker(Path folder, List<String> arguments) throws Exception {
        this.folder = folder;
        this.arguments = arguments;
        startAgain();
    }

    /** In a folder that everybody may enter. */
    static RealBroker start(String... options) throws Exception {
        Path folder = Files.createTempDirectory("rbdw-");
        Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwxr-xr-x"));
        return start(folder, options);
    }

    /** In this folder, which goes with it. */
    static RealBroker start(Path folder, String... options) throws Exception {
        List<String> arguments =
                new ArrayList<>(
                        List.of(
                                "start",
                                "--foreground",
                                "--run-dir",
                                folder.resolve("run").toString(),
                                "--state-dir",
                                folder.resolve("state").toString()));
        arguments.addAll(List.of(options));
        return new RealBroker(folder, arguments);
    }

    void startAgain() throws Exception {
        process =
                JavaProcess.start(
                        Map.of(),
                        "org.rbdwrapper.broker.cli.BrokerMain",
                        arguments.toArray(String[]::new));
        process.awaitLine("ready");
    }

    void kill() throws IOException {
        process.close();
    }

    Path runDir() {
        return folder.resolve("run");
    }

    Path stateDir() {
        return folder.resolve("state");
    }

    BrokerAdmin admin() throws Exception {
        return BrokerAdmin.connect("test", ControlConnection.connect(List.of(runDir())));
    }

    /** Creates and maps it for everybody; its path. */
    String image(BrokerAdmin admin, String name, long size) throws Exception {
        admin.create(name, size);
        return map(admin, name, name);
    }

    static String map(BrokerAdmin admin, String image, String as) throws Exception {
        MapRequest request = MapRequest.of(image);
        return admin.map(
                new MapRequest(
                        image,
                        as,
                        false,
                        request.ownerUid(),
                        request.ownerGid(),
                        0666,
                        request.options()));
    }

    /** As prlimit(1) has it, {@code --nofile=20}. */
    void limit(String limit) throws Exception {
        int code =
                new ProcessBuilder("prlimit", "--pid", Long.toString(pid()), limit)
                        .inheritIO()
                        .start()
                        .waitFor();
        if (code != 0) {
            throw new IOException("prlimit " + limit + " ended with " + code);
        }
    }

    /** A number of /proc/PID/status, in its unit. */
    long status(String name) throws IOException {
        try (Stream<String> lines = Files.lines(Path.of("/proc", Long.toString(pid()), "status"))) {
            String line = lines.filter(one -> one.startsWith(name + ":")).findFirst().orElseThrow();
            return Long.parseLong(line.replaceAll("\\D", ""));
        }
    }

    /** The limit of descriptors at which so many more can be had. */
    int numbersWith(int left) {
        return numbersWith(pid(), left);
    }

    /** Of any process. */
    static int numbersWith(long pid, int left) {
        java.util.Set<String> used =
                java.util.Set.of(Path.of("/proc", Long.toString(pid), "fd").toFile().list());
        int number = 0;
        for (int free = 0; free <= left; number++) {
            free += used.contains(Integer.toString(number)) ? 0 : 1;
        }
        return number - 1;
    }

    int descriptors() {
        return Path.of("/proc", Long.toString(pid()), "fd").toFile().list().length;
    }

    boolean isAlive() {
        return process.process().isAlive();
    }

    /** Lines of its log, which goes to its output, too. */
    long logged(String part) throws IOException {
        return process.output().lines().filter(line -> line.contains(part)).count();
    }

    String output() throws IOException {
        return process.output();
    }

    private long pid() {
        return process.process().pid();
    }

    @Override
    public void close() throws IOException {
        process.process().destroy();
        process.process().onExit().join();
        process.close();
        List<Path> paths;
        try (Stream<Path> walk = Files.walk(folder)) {
            paths = walk.sorted(Comparator.reverseOrder()).toList();
        }
        for (Path path : paths) {
            Files.delete(path);
        }
    }
}
