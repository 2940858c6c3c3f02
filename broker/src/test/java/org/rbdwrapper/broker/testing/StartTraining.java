package org.rbdwrapper.broker.testing;

import org.rbdwrapper.broker.DurableFiles;
import org.rbdwrapper.broker.cli.BrokerMain;
import org.rbdwrapper.ipc.RunDirectories;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ServiceLoader;

/**
 * What a JVM does whose classes {@link StartCache} keeps: a broker starts, serves what the modules
 * on the class path want of it, and stops.
 */
final class StartTraining {
    private StartTraining() {}

    public static void main(String[] arguments) throws Exception {
        Path folder = Files.createTempDirectory("rbdw-");
        Path runDir = folder.resolve("run");
        Runtime.getRuntime().addShutdownHook(new Thread(() -> delete(folder)));
        Thread.ofPlatform().daemon().start(() -> exercise(runDir));
        BrokerMain.main(
                new String[] {
                    "start",
                    "--foreground",
                    "--run-dir",
                    runDir.toString(),
                    "--state-dir",
                    folder.resolve("state").toString()
                });
    }

    private static void exercise(Path runDir) {
        try {
            while (!Files.exists(runDir.resolve(RunDirectories.SOCKET_NAME))) {
                Thread.sleep(10);
            }
            for (StartExercise exercise : ServiceLoader.load(StartExercise.class)) {
                exercise.run(runDir);
            }
            Signals.send("TERM", ProcessHandle.current().pid()); // as `stop` does
        } catch (Exception e) {
            System.err.println("the exercise failed: " + e);
            Runtime.getRuntime().halt(1); // without a cache
        }
    }

    private static void delete(Path folder) {
        try {
            DurableFiles.deleteTree(folder);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
