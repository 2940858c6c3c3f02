package org.rbdwrapper.perf.machine;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Where a run finds what it starts, and where it keeps its files.
 *
 * @param root of the source tree, which has been built.
 */
public record Environment(Path root, Scratch scratch, Cleanup cleanup) {
    public Path brokerLauncher() {
        return root.resolve("adm/target/rbdwrapper/bin/rbdwrapper-broker");
    }

    public Path adminCommand() {
        return root.resolve("adm/target/rbdwrapper/bin/rbdwrapper-adm");
    }

    public Path runCommand() {
        return root.resolve("adm/target/rbdwrapper/bin/rbdwrapper-run");
    }

    public Path preloadLibrary() {
        return root.resolve("adm/target/rbdwrapper/lib/librbdwrapper.so");
    }

    /** For C programs. */
    public Path librbdw() {
        return root.resolve("adm/target/rbdwrapper/lib/librbdw.so");
    }

    public Path throwawayCluster() {
        return root.resolve("broker/src/test/ceph/throwaway-cluster");
    }

    /** A JVM that runs a class of this module as any program would run the client. */
    public List<String> java(Class<?> main, String... arguments) {
        List<String> command = java(main.getName());
        command.addAll(List.of(arguments));
        return command;
    }

    /**
     * As any program would run the client.
     *
     * @param more before this module's class path.
     */
    public List<String> java(String main, Path... more) {
        StringBuilder classPath = new StringBuilder();
        for (Path path : more) {
            classPath.append(path).append(File.pathSeparator);
        }
        classPath.append(System.getProperty("java.class.path"));
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.add("@" + root.resolve("client-lib/src/main/jvm/client.jvmopts"));
        command.addAll(List.of("-Xms64m", "-Xmx256m", "-XX:+UseSerialGC"));
        command.addAll(List.of("-cp", classPath.toString(), main));
        return command;
    }

    public void say(String text) {
        System.err.println("compare: " + text);
    }

    public static Map<String, Object> machine() throws IOException {
        Map<String, Object> machine = new LinkedHashMap<>();
        machine.put("cores", Runtime.getRuntime().availableProcessors());
        machine.put("kernel", System.getProperty("os.version"));
        machine.put("java", System.getProperty("java.runtime.version"));
        machine.put("loadAtStart", Files.readString(Path.of("/proc/loadavg")).strip());
        return machine;
    }
}
