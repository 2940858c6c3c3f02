package org.rbdwrapper.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.rbdwrapper.broker.DurableFiles;
import org.rbdwrapper.broker.testing.JavaProcess;
import org.rbdwrapper.client.admin.BrokerAdmin;
import org.rbdwrapper.client.admin.MapRequest;
import org.rbdwrapper.ipc.control.ControlConnection;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;

/** Which of a broker's threads stand behind programs, and that no other has it from them. */
final class ThreadPrioritySystemTest {
    /** Of a line of /proc/PID/task/TID/stat, counted from behind the name. */
    private static final int NICE_AFTER_NAME = 16;

    @Test
    void shouldLetOnlyTheConductorStandBehindPrograms() throws Exception {
        Path folder = Files.createTempDirectory("rbdw-");
        Path runDir = folder.resolve("run");
        try (JavaProcess broker =
                JavaProcess.start(
                        Map.of(),
                        "org.rbdwrapper.broker.cli.BrokerMain",
                        "start",
                        "--foreground",
                        "--store",
                        "file",
                        "--messengers",
                        "per-client",
                        "--run-dir",
                        runDir.toString(),
                        "--state-dir",
                        folder.resolve("state").toString())) {
            broker.awaitLine("ready");
            use(runDir);
            Map<String, Integer> nice = nice(broker.process().pid());
            int own = nice.remove("java");
            assertTrue(nice.keySet().stream().anyMatch(name -> name.startsWith("messenger-")));
            assertTrue(nice.keySet().stream().anyMatch(name -> name.startsWith("worker-")));
            assertEquals(Math.min(19, own + 5), nice.remove("conductor"));
            nice.values().removeIf(value -> value == own);
            assertEquals(Map.of(), nice);
        } finally {
            DurableFiles.deleteTree(folder);
        }
    }

    /** So that there are messengers and workers. */
    private static void use(Path runDir) throws Exception {
        String path;
        try (BrokerAdmin admin =
                BrokerAdmin.connect("test", ControlConnection.connect(List.of(runDir)))) {
            admin.create("img", 1 << 20);
            path = admin.map(MapRequest.of("img"));
        }
        try (RbdFile file = RbdFile.openAt(runDir, path)) {
            file.write(ByteBuffer.allocate(4096), 0);
            file.force();
            file.readAsync(ByteBuffer.allocate(4096), 0).get();
        }
    }

    private static Map<String, Integer> nice(long pid) throws IOException {
        Map<String, Integer> all = new TreeMap<>();
        try (Stream<Path> tasks = Files.list(Path.of("/proc", Long.toString(pid), "task"))) {
            for (Path task : tasks.toList()) {
                try {
                    String line = Files.readString(task.resolve("stat"));
                    int end = line.lastIndexOf(')');
                    String[] fields = line.substring(end + 2).split(" ", -1);
                    all.put(
                            line.substring(line.indexOf('(') + 1, end),
                            Integer.parseInt(fields[NICE_AFTER_NAME]));
                } catch (NoSuchFileException e) {
                    // it has ended meanwhile
                }
            }
        }
        return all;
    }
}
