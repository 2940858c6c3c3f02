package org.rbdwrapper.perf.soak;

import org.rbdwrapper.client.admin.BrokerAdmin;
import org.rbdwrapper.ipc.ErrnoException;
import org.rbdwrapper.ipc.control.ControlConnection;
import org.rbdwrapper.ipc.posix.UnixSocket;
import org.rbdwrapper.perf.machine.Child;
import org.rbdwrapper.perf.machine.Environment;
import org.rbdwrapper.perf.machine.Tools;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * The broker of the install tree, a daemon as its users have it: started, killed, started again and
 * upgraded by its own commands.
 *
 * <p>One thread replaces it; any thread administers it.
 */
final class SoakBroker implements AutoCloseable {
    private static final Duration LIMIT = Duration.ofMinutes(2);

    private final Environment environment;
    private final Path runDir;
    private final Path stateDir;
    private final Path temporary;
    private final List<String> options;
    private volatile long pid;
    private volatile long startedNanos;

    /**
     * @param store for {@code --store} and what belongs to it.
     */
    SoakBroker(Environment environment, List<String> store) throws IOException {
        this.environment = environment;
        this.runDir = environment.scratch().resolve("run");
        this.stateDir = environment.scratch().resolve("state");
        this.temporary = Files.createDirectory(environment.scratch().resolve("tmp"));
        this.options = new ArrayList<>(List.of("--run-dir", runDir.toString()));
        options.addAll(List.of("--state-dir", stateDir.toString()));
        options.addAll(store);
    }

    void start() throws IOException {
        command("start");
    }

    /** An upgrade. */
    void restart() throws IOException {
        command("restart");
    }

    /** By SIGKILL; returns when it has ended. */
    void kill() throws IOException {
        Tools.kill(pid, LIMIT);
    }

    BrokerAdmin admin() throws ErrnoException {
        return BrokerAdmin.connect("soak", ControlConnection.connect(List.of(runDir)));
    }

    long pid() {
        return pid;
    }

    double ageSeconds() {
        return (System.nanoTime() - startedNanos) / 1e9;
    }

    Path runDir() {
        return runDir;
    }

    Path stateDir() {
        return stateDir;
    }

    /** Where it may put what it needs no longer than it lives. */
    Path temporary() {
        return temporary;
    }

    private void command(String word) throws IOException {
        List<String> words = new ArrayList<>();
        // in a session of its own: a Ctrl-C must not cut it halfway
        words.addAll(List.of("setsid", "--wait", environment.brokerLauncher().toString(), word));
        words.addAll(options);
        Child command =
                Child.start(
                        "rbdwrapper-broker " + word,
                        words,
                        Map.of(
                                "RBDW_JAVA_HOME",
                                System.getProperty("java.home"),
                                "RBDW_JAVA_OPTS",
                                "-Djava.io.tmpdir=" + temporary,
                                "TMPDIR",
                                temporary.toString()),
                        environment.scratch().resolve("broker-" + word + ".out"));
        try {
            command.await(LIMIT);
        } finally {
            learnPid();
        }
        startedNanos = System.nanoTime();
    }

    /** Which process it is, the kernel says. */
    private void learnPid() throws ErrnoException {
        try (ControlConnection connection = ControlConnection.connect(List.of(runDir))) {
            pid = UnixSocket.peer(connection.socket()).pid();
        }
    }

    @Override
    public void close() throws IOException {
        if (Files.exists(runDir)) {
            try {
                learnPid(); // one that was just being started
            } catch (ErrnoException e) {
                // none is there, or it has ended
            }
        }
        kill();
    }

    @Override
    public String toString() {
        return "the broker (pid " + pid + ")";
    }
}
