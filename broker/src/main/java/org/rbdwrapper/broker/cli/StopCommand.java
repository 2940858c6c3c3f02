package org.rbdwrapper.broker.cli;

import org.rbdwrapper.broker.RunDirectory;
import org.rbdwrapper.ipc.Errno;
import org.rbdwrapper.ipc.ErrnoException;
import org.rbdwrapper.ipc.RunDirectories;

import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.Callable;

/** {@code stop}: returns when the broker's process has ended. */
@Command(
        name = "stop",
        description =
                "Stops the broker when the requests in flight are done; returns when its process"
                        + " has ended.",
        mixinStandardHelpOptions = true)
final class StopCommand implements Callable<Integer> {
    /** Longer than the broker itself waits for what is in flight. */
    static final Duration TIMEOUT = Duration.ofSeconds(40);

    @Spec private CommandSpec spec;

    @Option(
            names = "--run-dir",
            paramLabel = "DIR",
            description = "The broker's run directory (RBDW_RUN_DIR)")
    private Path runDir;

    @Option(
            names = "--for-restart",
            description =
                    "Another broker is started at once: programs that begin until then wait for it,"
                            + " for 10 s at most, instead of failing")
    private boolean forRestart;

    @Override
    public Integer call() throws Exception {
        Path dir = runDir != null ? runDir : RunDirectories.ofThisProcess().runDir();
        if (!(forRestart ? stopForSuccessor(dir) : stop(dir))) {
            throw new ErrnoException(Errno.ECONNREFUSED, "no broker is running in " + dir);
        }
        spec.commandLine().getOut().println("broker stopped");
        return 0;
    }

    /**
     * As {@link #stop}, and leaves what tells clients that they need only wait for the next one:
     * {@link RunDirectory#retractSuccessor} where none comes.
     */
    static boolean stopForSuccessor(Path runDir) throws Exception {
        if (!RunningBroker.isRunning(runDir)) {
            return false;
        }
        RunDirectory.announceSuccessor(runDir);
        return stop(runDir);
    }

    /** False where none was running. */
    static boolean stop(Path runDir) throws Exception {
        Optional<RunningBroker> found = RunningBroker.find(runDir);
        if (found.isEmpty()) {
            return false;
        }
        try (RunningBroker broker = found.get()) {
            if (!broker.stop(TIMEOUT)) {
                throw new ErrnoException(
                        Errno.ETIMEDOUT,
                        "the broker (pid " + broker.pid() + ") does not end: see its log");
            }
        }
        return true;
    }
}
