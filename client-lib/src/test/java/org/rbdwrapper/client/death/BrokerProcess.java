package org.rbdwrapper.client.death;

import org.rbdwrapper.broker.RunDirectory;
import org.rbdwrapper.broker.testing.JavaProcess;
import org.rbdwrapper.client.admin.BrokerAdmin;
import org.rbdwrapper.client.admin.MapRequest;
import org.rbdwrapper.ipc.control.ControlConnection;
import org.rbdwrapper.ipc.posix.UnixSocket;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;

/** A broker in a process of its own, so that what it holds can be counted from outside. */
final class BrokerProcess implements AutoCloseable {
    /** Threads that the JVM and the broker start and end by need. */
    private static final String COMING_AND_GOING = "C1 CompilerThre|C2 CompilerThre|worker-.*";

    private static final long ANSWER_NANOS = 200_000_000_000L;

    private final Path folder;
    private final Path runDir;
    private final String program;
    private final String[] arguments;
    private JavaProcess process;

    private BrokerProcess(Path folder, Path runDir, String program, String[] arguments)
            throws Exception {
        this.folder = folder;
        this.runDir = runDir;
        this.program = program;
        this.arguments = arguments;
        startAgain();
    }

    static BrokerProcess start(String... options) throws Exception {
        return startProgram("org.rbdwrapper.broker.cli.BrokerMain", options);
    }

    /** One that is started as the broker is. */
    static BrokerProcess startProgram(String program, String... options) throws Exception {
        Path folder = Files.createTempDirectory("rbdw-");
        Path runDir = folder.resolve("run");
        String[] arguments =
                Stream.concat(
                                Stream.of(
                                        "start",
                                        "--foreground",
                                        "--run-dir",
                                        runDir.toString(),
                                        "--state-dir",
                                        folder.resolve("state").toString()),
                                Stream.of(options))
                        .toArray(String[]::new);
        return new BrokerProcess(folder, runDir, program, arguments);
    }

    /** As it was started before; returns when it is ready. */
    void startAgain() throws Exception {
        process = JavaProcess.start(Map.of(), program, arguments);
        try {
            process.awaitLine("ready");
        } catch (IOException e) {
            process.close(); // nobody else can
            throw e;
        }
    }

    /**
     * Another on the same state, whose clients do not find this one, nor those of this one the
     * other; this one has ended.
     */
    BrokerProcess startElsewhere() throws Exception {
        Path elsewhere = folder.resolve("elsewhere");
        String[] others = arguments.clone();
        others[List.of(others).indexOf(runDir.toString())] = elsewhere.toString();
        return new BrokerProcess(folder, elsewhere, program, others);
    }

    /**
     * Until it counts no request as being under way. Its client may have the answer a moment
     * before: a broker that died in between left one that the next waits for.
     */
    void awaitAllCounted() throws Exception {
        try (BrokerAdmin admin = admin()) {
            while (admin.clients().stream().anyMatch(client -> client.inFlight() != 0)) {
                Thread.sleep(5); // the test's time limit ends a wait in vain
            }
        }
    }

    /** By SIGKILL; returns when it has ended. */
    void kill() throws IOException {
        process.close();
    }

    /** By SIGSTOP; from now on it answers nothing. */
    void freeze() throws IOException, InterruptedException {
        process.freeze();
    }

    /** After {@link #freeze}: it goes on. */
    void thaw() throws IOException, InterruptedException {
        process.thaw();
    }

    /** As {@code rbdwrapper-broker restart} does at first. */
    void stopForSuccessor() throws IOException {
        RunDirectory.announceSuccessor(runDir);
        stop();
    }

    /** As {@code rbdwrapper-broker stop} does; returns when it has ended. */
    void stop() throws IOException {
        process.process().destroy();
        process.process().onExit().join();
        process.close();
    }

    Path stateDir() {
        return folder.resolve("state");
    }

    Path runDir() {
        return runDir;
    }

    /** An answer that does not come in time is ETIMEDOUT, or a test would hang. */
    BrokerAdmin admin() throws Exception {
        ControlConnection control = ControlConnection.connect(List.of(runDir));
        UnixSocket.receiveTimeout(control.socket(), ANSWER_NANOS);
        return BrokerAdmin.connect("test", control);
    }

    /**
     * A new image, mapped.
     *
     * @param size bytes.
     * @return its path.
     */
    String createAndMap(String image, long size) throws Exception {
        try (BrokerAdmin admin = admin()) {
            admin.create(image, size);
            return admin.map(MapRequest.of(image));
        }
    }

    /**
     * What it holds, when that has not changed for a while: descriptors by what they are, segments
     * and their size, threads by name, clients.
     */
    Map<String, Integer> awaitSteadyHoldings() throws Exception {
        Map<String, Integer> last = holdings();
        int same = 0;
        for (int i = 0; i < 500 && same < 15; i++) {
            Thread.sleep(20);
            Map<String, Integer> now = holdings();
            same = now.equals(last) ? same + 1 : 0;
            last = now;
        }
        return last;
    }

    String output() throws IOException {
        return process.output();
    }

    @Override
    public void close() throws IOException {
        stop();
        List<Path> paths;
        try (Stream<Path> walk = Files.walk(folder)) {
            paths = walk.sorted(Comparator.reverseOrder()).toList();
        }
        for (Path path : paths) {
            Files.delete(path);
        }
    }

    private Map<String, Integer> holdings() throws Exception {
        Path proc = Path.of("/proc", Long.toString(process.process().pid()));
        Map<String, Integer> held = new TreeMap<>();
        try (BrokerAdmin admin = admin()) {
            held.put("clients", admin.clients().size());
            for (Path descriptor : entries(proc.resolve("fd"))) {
                String what = ifThere(() -> Files.readSymbolicLink(descriptor).toString());
                held.merge("descriptor " + what.replaceAll("\\d+", "N"), 1, Integer::sum);
            }
        }
        for (Path thread : entries(proc.resolve("task"))) {
            String name = ifThere(() -> Files.readString(thread.resolve("comm")).strip());
            if (!name.matches(COMING_AND_GOING)) {
                held.merge("thread " + name, 1, Integer::sum);
            }
        }
        try (Stream<String> maps = Files.lines(proc.resolve("maps"))) {
            maps.filter(line -> line.contains("memfd:"))
                    .forEach(
                            line -> {
                                held.merge(line.substring(line.indexOf("memfd:")), 1, Integer::sum);
                                held.merge("KiB of segments", kibibytes(line), Integer::sum);
                            });
        }
        Path noted = runDir.resolve("sessions");
        held.put("sessions noted", Files.isDirectory(noted) ? entries(noted).size() : 0);
        return held;
    }

    /** Of a mapping: its line begins with the first address and that behind it. */
    private static int kibibytes(String line) {
        String[] range = line.split("[- ]", 3);
        return (int) ((Long.parseLong(range[1], 16) - Long.parseLong(range[0], 16)) >> 10);
    }

    /** What a file of /proc says; that it is gone, where it went meanwhile. */
    private static String ifThere(Reading reading) throws IOException {
        try {
            return reading.read();
        } catch (NoSuchFileException e) {
            return "gone";
        }
    }

    @FunctionalInterface
    private interface Reading {
        String read() throws IOException;
    }

    private static List<Path> entries(Path folder) throws IOException {
        try (Stream<Path> list = Files.list(folder)) {
            return list.toList();
        }
    }
}
