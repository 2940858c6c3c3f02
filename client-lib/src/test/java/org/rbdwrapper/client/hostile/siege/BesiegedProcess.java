package org.rbdwrapper.client.hostile.siege;

import org.rbdwrapper.broker.testing.JavaProcess;
import org.rbdwrapper.client.admin.BrokerAdmin;
import org.rbdwrapper.ipc.ErrnoException;
import org.rbdwrapper.ipc.codec.LimitsDecoder;
import org.rbdwrapper.ipc.codec.ListLimitsEncoder;
import org.rbdwrapper.ipc.control.ControlConnection;
import org.rbdwrapper.ipc.control.FrameBuffer;
import org.rbdwrapper.ipc.posix.UnixSocket;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/**
 * The broker that is besieged, in a process of its own, and what it holds.
 *
 * <p>One thread.
 */
final class BesiegedProcess implements AutoCloseable {
    /** What is used by the second, and not held. */
    private static final Set<String> RATES = Set.of("control_millis", "granted_bytes");

    /** Threads that the JVM and the broker start and end by need. */
    private static final String COMING_AND_GOING =
            "C1 CompilerThre|C2 CompilerThre|worker-.*|ForkJoinPool.*|VirtualThread.*|process"
                    + " reaper|.*-unparker.*";

    private static final long ANSWER_NANOS = 5_000_000_000L;
    private static final int LOOK_MILLIS = 15;
    private static final int LOOKS = 8;

    private final Path folder;
    private final JavaProcess process;

    private BesiegedProcess(Path folder, JavaProcess process) {
        this.folder = folder;
        this.process = process;
    }

    /**
     * @param folder that all users may enter, and it may write.
     * @param store as {@code --store} has it.
     */
    static BesiegedProcess start(Path folder, String store) throws Exception {
        JavaProcess process =
                JavaProcess.startLongLived(
                        BesiegedBroker.class,
                        folder.resolve("run").toString(),
                        folder.resolve("state").toString(),
                        store,
                        store.startsWith("ceph") ? "rbdw" : "admin",
                        folder.resolve("sickness").toString());
        try {
            process.awaitLine("ready");
            return new BesiegedProcess(folder, process);
        } catch (IOException e) {
            process.close();
            throw e;
        }
    }

    Path runDir() {
        return folder.resolve("run");
    }

    /** From now on pool {@value BesiegedStore#SICK} answers nothing, or does again. */
    void sicken(boolean isSick) throws IOException {
        if (isSick) {
            Files.createFile(folder.resolve("sickness"));
        } else {
            Files.deleteIfExists(folder.resolve("sickness"));
        }
    }

    BrokerAdmin admin() throws ErrnoException {
        return BrokerAdmin.connect("siege", connect());
    }

    /** An answer that does not come in time is ETIMEDOUT. */
    private ControlConnection connect() throws ErrnoException {
        ControlConnection control = ControlConnection.connect(List.of(runDir()));
        UnixSocket.receiveTimeout(control.socket(), ANSWER_NANOS);
        return control;
    }

    /** What it holds: of each limit, descriptors, threads, shared memory. */
    private Map<String, Long> holdings() throws Exception {
        Map<String, Long> held = new TreeMap<>();
        addLimits(held);
        for (Path descriptor : entries("fd")) {
            String what = ifThere(() -> Files.readSymbolicLink(descriptor).toString());
            if (!what.equals("/proc/stat")) { // who looks for spare cores opens it by need
                held.merge("descriptor " + what.replaceAll("\\d+", "N"), 1L, Long::sum);
            }
        }
        for (Path thread : entries("task")) {
            String name = ifThere(() -> Files.readString(thread.resolve("comm")).strip());
            if (!name.matches(COMING_AND_GOING)) {
                held.merge("thread " + name.replaceAll("\\d+", "N"), 1L, Long::sum);
            }
        }
        try (Stream<String> maps = Files.lines(proc().resolve("maps"))) {
            held.put("segments", maps.filter(line -> line.contains("memfd:")).count());
        }
        return held;
    }

    /**
     * The most of each in some looks: what a victim has changes from one moment to the next, and
     * what an attack leaves is on top of it.
     */
    Map<String, Long> mostHeld() throws Exception {
        Map<String, Long> most = holdings();
        for (int i = 1; i < LOOKS; i++) {
            Thread.sleep(LOOK_MILLIS);
            holdings().forEach((what, count) -> most.merge(what, count, Math::max));
        }
        return most;
    }

    /**
     * Waits until it holds no more than that, or that time is over.
     *
     * @return what it still holds, in words; empty where it is no more.
     */
    List<String> awaitNoMoreThan(Map<String, Long> before, long millis) throws Exception {
        long deadline = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(millis);
        List<String> more;
        do {
            more = moreThan(before);
        } while (!more.isEmpty() && System.nanoTime() - deadline < 0);
        return more;
    }

    private List<String> moreThan(Map<String, Long> before) throws Exception {
        Map<String, Long> now;
        try {
            now = mostHeld();
        } catch (ErrnoException e) {
            return List.of("status: " + e.describe());
        }
        return now.entrySet().stream()
                .filter(held -> held.getValue() > before.getOrDefault(held.getKey(), 0L))
                .map(
                        held ->
                                "%s %d, was %d"
                                        .formatted(
                                                held.getKey(),
                                                held.getValue(),
                                                before.getOrDefault(held.getKey(), 0L)))
                .toList();
    }

    private void addLimits(Map<String, Long> held) throws ErrnoException {
        try (ControlConnection control = connect()) {
            control.hello("siege", 0, 0, 0);
            control.call(
                    (frame, correlationId) -> {
                        ListLimitsEncoder message = new ListLimitsEncoder();
                        message.wrapAndApplyHeader(
                                        frame.buffer(), FrameBuffer.MESSAGE_OFFSET, frame.header())
                                .correlationId(correlationId);
                        return message.encodedLength();
                    },
                    LimitsDecoder.TEMPLATE_ID,
                    (message, header) -> {
                        LimitsDecoder limits =
                                new LimitsDecoder().wrapAndApplyHeader(message, 0, header);
                        for (LimitsDecoder.ResourceDecoder limit : limits.resource()) {
                            long used = limit.used();
                            String name = limit.name();
                            if (!RATES.contains(name)) {
                                held.put(name, used);
                            }
                        }
                        return held;
                    });
        }
    }

    /** From now on the most is counted anew. */
    void forgetMostMemory() throws IOException {
        Files.writeString(proc().resolve("clear_refs"), "5");
    }

    /** The most resident memory since then, KiB; that of sessions' segments is among it. */
    long mostMemoryKib() throws IOException {
        return status("VmHWM");
    }

    long memoryKib() throws IOException {
        return status("VmRSS");
    }

    private long status(String name) throws IOException {
        try (Stream<String> lines = Files.lines(proc().resolve("status"))) {
            String line = lines.filter(one -> one.startsWith(name + ":")).findFirst().orElseThrow();
            return Long.parseLong(line.replaceAll("\\D", ""));
        }
    }

    long pid() {
        return process.process().pid();
    }

    String output() throws IOException {
        return process.output();
    }

    private Path proc() {
        return Path.of("/proc", Long.toString(pid()));
    }

    private List<Path> entries(String name) throws IOException {
        try (Stream<Path> list = Files.list(proc().resolve(name))) {
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

    /** By SIGKILL: what hangs in it must not hang us. */
    @Override
    public void close() throws IOException {
        process.close();
    }
}
