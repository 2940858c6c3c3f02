package org.rbdwrapper.perf.soak;

import org.rbdwrapper.client.admin.BrokerAdmin;
import org.rbdwrapper.perf.machine.ThrowawayCluster;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Predicate;
import java.util.stream.Stream;

/**
 * How many of each thing are there while no client is: what the broker holds, and what is left on
 * the host and in the cluster.
 */
final class Holdings {
    /** Threads that the JVM and the broker start and end by need. */
    private static final String COMING_AND_GOING =
            "C1 CompilerThre|C2 CompilerThre|process reaper|ForkJoinPool[.]co|worker-.*";

    /** Who looks for spare cores opens it when first asked: each messenger, and two besides. */
    private static final String CORES_FILE = "/proc/stat";

    private static final int MOST_CORES_FILES = Runtime.getRuntime().availableProcessors() + 2;

    private static final int LOOK_MILLIS = 50;
    private static final int SAME_LOOKS = 20;
    private static final int MOST_LOOKS = 600;

    private final Path scratch;
    private final SoakBroker broker;
    private final ThrowawayCluster cluster;

    /**
     * @param cluster null where there is none.
     */
    Holdings(Path scratch, SoakBroker broker, ThrowawayCluster cluster) {
        this.scratch = scratch;
        this.broker = broker;
        this.cluster = cluster;
    }

    /** When they have not changed for a while. */
    Map<String, Integer> awaitSteady(String sharedImage) throws Exception {
        Map<String, Integer> last = look();
        int same = 0;
        for (int i = 0; i < MOST_LOOKS && same < SAME_LOOKS; i++) {
            Thread.sleep(LOOK_MILLIS);
            Map<String, Integer> now = look();
            same = now.equals(last) ? same + 1 : 0;
            last = now;
        }
        if (cluster != null) {
            long watchers =
                    cluster.rbd("status", sharedImage)
                            .lines()
                            .filter(line -> line.contains("watcher="))
                            .count();
            last.put("watchers of the shared image", (int) watchers);
            last.put("images in the pool", (int) cluster.rbd("ls").lines().count());
        }
        return last;
    }

    private Map<String, Integer> look() throws Exception {
        Map<String, Integer> held = new TreeMap<>();
        try (BrokerAdmin admin = broker.admin()) {
            held.put("clients, this one included", admin.clients().size());
            held.put("mappings", admin.mappings().size());
            addDescriptors(held);
        }
        addThreads(held);
        addSegments(held);
        addProcesses(held);
        add(held, "files in the run directory", broker.runDir(), this::isOfABrokerBefore);
        add(held, "files in the state directory", broker.stateDir(), file -> false);
        add(held, "temporary files", broker.temporary(), file -> false);
        return held;
    }

    private void addDescriptors(Map<String, Integer> held) throws IOException {
        int coresFiles = 0;
        for (Path descriptor : entries(proc().resolve("fd"))) {
            String what = ifThere(() -> Files.readSymbolicLink(descriptor).toString());
            if (what.equals(CORES_FILE) && ++coresFiles <= MOST_CORES_FILES) {
                continue;
            }
            String named =
                    what.replace(scratch.toString(), "")
                            .replaceAll(".*\\.jar$", "jars")
                            .replaceAll("\\d+", "N");
            held.merge("descriptor " + named, 1, Integer::sum);
            held.merge("descriptors in all", 1, Integer::sum);
        }
    }

    private void addThreads(Map<String, Integer> held) throws IOException {
        for (Path thread : entries(proc().resolve("task"))) {
            String name = ifThere(() -> Files.readString(thread.resolve("comm")).strip());
            if (!name.matches(COMING_AND_GOING)) {
                held.merge("thread " + name.replaceAll("\\d+", "N"), 1, Integer::sum);
                held.merge("threads in all", 1, Integer::sum);
            }
        }
    }

    private void addSegments(Map<String, Integer> held) throws IOException {
        held.put("segments mapped", 0);
        try (Stream<String> maps = Files.lines(proc().resolve("maps"))) {
            maps.filter(line -> line.contains("memfd:"))
                    .forEach(line -> held.merge("segments mapped", 1, Integer::sum));
        }
    }

    /** Of this run: those that have its folder in their command line. */
    private void addProcesses(Map<String, Integer> held) throws IOException {
        for (Path process : entries(Path.of("/proc"))) {
            if (process.getFileName().toString().matches("\\d+")) {
                String command = ifThere(() -> Files.readString(process.resolve("cmdline")));
                if (command.contains(scratch.toString())) {
                    String program = Path.of(command.split("\0", 2)[0]).getFileName().toString();
                    held.merge("process " + program, 1, Integer::sum);
                }
            }
        }
    }

    /**
     * A broker keeps for an hour what programs had open with the one before, for a process that has
     * the descriptor may be idle. A program that was killed at that moment looks the same.
     */
    private boolean isOfABrokerBefore(Path file) {
        String name = file.getFileName().toString();
        Path note = file.resolveSibling(name.replaceAll("\\.(open|state)$", ".open"));
        if (!file.getParent().endsWith("opens") || !Files.exists(note)) {
            return false;
        }
        try {
            FileTime began = Files.getLastModifiedTime(broker.runDir().resolve("broker.pid"));
            return Files.getLastModifiedTime(note).compareTo(began) < 0;
        } catch (IOException e) {
            return false; // it went meanwhile
        }
    }

    private static void add(
            Map<String, Integer> held, String what, Path folder, Predicate<Path> leftOut)
            throws IOException {
        try (Stream<Path> files = Files.walk(folder)) {
            held.put(what, (int) files.filter(Predicate.not(leftOut)).count());
        } catch (java.io.UncheckedIOException e) {
            if (!(e.getCause() instanceof NoSuchFileException)) {
                throw e;
            }
            held.put(what, -1); // one of them went meanwhile: it is not steady yet
        }
    }

    private Path proc() {
        return Path.of("/proc", Long.toString(broker.pid()));
    }

    private static List<Path> entries(Path folder) throws IOException {
        try (Stream<Path> list = Files.list(folder)) {
            return list.toList();
        }
    }

    /** What a file of /proc says; that it is gone, where it went meanwhile. */
    private static String ifThere(Reading reading) throws IOException {
        try {
            return reading.read();
        } catch (NoSuchFileException e) {
            return "gone";
        } catch (IOException e) {
            if (e.getMessage() != null && e.getMessage().contains("No such process")) {
                return "gone";
            }
            throw e;
        }
    }

    @FunctionalInterface
    private interface Reading {
        String read() throws IOException;
    }
}
