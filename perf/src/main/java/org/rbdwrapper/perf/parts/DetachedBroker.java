package org.rbdwrapper.perf.parts;

import org.rbdwrapper.perf.machine.Environment;
import org.rbdwrapper.perf.machine.Tools;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;

/**
 * A broker as a person starts it: in a process of its own, which its launcher leaves behind.
 *
 * @param folder with its run and state directory.
 */
record DetachedBroker(Environment environment, Path folder) implements AutoCloseable {
    private static final Duration LIMIT = Duration.ofMinutes(1);

    static DetachedBroker start(Environment environment, String name, String store)
            throws IOException {
        DetachedBroker broker =
                new DetachedBroker(environment, environment.scratch().resolve(name + ".broker"));
        environment.cleanup().add(broker); // before it runs: it is no child of ours
        broker.command("start", "--store", store);
        return broker;
    }

    Path runDir() {
        return folder.resolve("run");
    }

    /** An upgrade by the same version. */
    void restart() throws IOException {
        command("restart");
    }

    /** By SIGKILL; returns when it has ended. */
    void kill() throws IOException {
        long pid = Long.parseLong(Files.readString(runDir().resolve("broker.pid")).strip());
        Tools.kill(pid, LIMIT);
    }

    String adm(String... words) throws IOException {
        return run(environment.adminCommand(), words);
    }

    private void command(String... words) throws IOException {
        run(environment.brokerLauncher(), words);
    }

    private String run(Path program, String... words) throws IOException {
        String[] command = new String[words.length + 1];
        command[0] = program.toString();
        System.arraycopy(words, 0, command, 1, words.length);
        return Commands.run(
                environment,
                Map.of(
                        "RBDW_RUN_DIR",
                        runDir().toString(),
                        "RBDW_STATE_DIR",
                        folder.resolve("state").toString()),
                command);
    }

    @Override
    public void close() throws IOException {
        if (Files.exists(runDir().resolve("broker.pid"))) {
            command("stop");
        }
    }
}
