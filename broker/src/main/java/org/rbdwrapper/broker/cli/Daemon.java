package org.rbdwrapper.broker.cli;

import org.rbdwrapper.broker.BrokerOptions;
import org.rbdwrapper.ipc.ErrnoException;
import org.rbdwrapper.ipc.posix.Fd;

import picocli.CommandLine;

import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * A broker in a process of its own. The starting process reads what it prints until it says that it
 * is ready; then its output goes to a file, in which nothing stands but what the JVM itself says
 * when it dies.
 */
final class Daemon {
    private static final String READY = "ready";
    private static final String FAILED = "failed: ";

    private Daemon() {}

    /** Exit code. */
    static int start(BrokerOptions options, List<String> arguments, CommandLine command)
            throws Exception {
        Process process = process(arguments);
        List<String> other = new ArrayList<>();
        try (BufferedReader output =
                new BufferedReader(
                        new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8))) {
            String line;
            while ((line = output.readLine()) != null) {
                if (line.equals(READY)) {
                    command.getOut()
                            .println(
                                    "broker started (pid "
                                            + process.pid()
                                            + "); log: "
                                            + options.logFile());
                    return 0;
                }
                if (line.startsWith(FAILED)) {
                    command.getErr()
                            .println("rbdwrapper-broker: " + line.substring(FAILED.length()));
                    process.waitFor();
                    return 1;
                }
                other.add(line);
            }
        }
        int code = process.waitFor();
        other.forEach(command.getErr()::println);
        command.getErr()
                .println(
                        "rbdwrapper-broker: the broker ended with code "
                                + code
                                + " before it was ready; log: "
                                + options.logFile());
        return 1;
    }

    /** In the daemon's process. */
    static void reportFailure(ErrnoException failure) {
        System.out.println(FAILED + failure.describe());
    }

    /** In the daemon's process. */
    static void reportReady(BrokerOptions options) throws ErrnoException {
        Path crashFile = options.logFile().resolveSibling("broker.out");
        System.out.println(READY);
        System.out.flush();
        Fd.redirect(crashFile.toString(), 1, 2);
    }

    /** Whether the starting process itself was started by that jar, whose manifest counts then. */
    private static boolean isOneJar(String classPath) {
        return classPath.endsWith(".jar")
                && !classPath.contains(File.pathSeparator)
                && Path.of(classPath).getFileName().toString().startsWith("rbdwrapper-broker");
    }

    /** The same Java with the same options, away from this terminal. */
    private static Process process(List<String> arguments) throws IOException {
        List<String> words = new ArrayList<>();
        words.add("setsid");
        words.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        words.addAll(java.lang.management.ManagementFactory.getRuntimeMXBean().getInputArguments());
        String classPath = System.getProperty("java.class.path");
        words.addAll(
                isOneJar(classPath)
                        ? List.of("-jar", classPath)
                        : List.of("-cp", classPath, BrokerMain.class.getName()));
        words.addAll(List.of("start", "--daemon-child"));
        words.addAll(arguments);
        if (!Files.isExecutable(Path.of("/usr/bin/setsid"))) {
            words.removeFirst(); // a host without util-linux: the broker then shares our
            // terminal's session
        }
        return new ProcessBuilder(words)
                .directory(new File("/"))
                .redirectErrorStream(true)
                .redirectInput(ProcessBuilder.Redirect.from(new File("/dev/null")))
                .start();
    }
}
