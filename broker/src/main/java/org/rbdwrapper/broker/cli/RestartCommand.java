package org.rbdwrapper.broker.cli;

import org.rbdwrapper.broker.BrokerOptions;
import org.rbdwrapper.broker.RunDirectory;

import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

import java.nio.file.Path;
import java.util.concurrent.Callable;

/**
 * {@code restart}, which is an upgrade: the one that runs answers what it has taken, ends, and
 * clients go on with the one that this command's version starts.
 */
@Command(
        name = "restart",
        description = "Stops the broker, if one is running, and starts one with these options.",
        mixinStandardHelpOptions = true)
final class RestartCommand implements Callable<Integer> {
    @Spec private CommandSpec spec;
    @Mixin private StartOptions options;

    @Override
    public Integer call() throws Exception {
        BrokerOptions resolved = options.resolve();
        Path runDir = resolved.runDir();
        if (RunningBroker.isRunning(runDir)) {
            RunDirectory.announceSuccessor(runDir);
        }
        boolean started = false;
        try {
            StopCommand.stop(runDir);
            int code = Daemon.start(resolved, options.toArguments(resolved), spec.commandLine());
            started = code == 0;
            return code;
        } finally {
            if (!started && !RunningBroker.isRunning(runDir)) {
                RunDirectory.retractSuccessor(runDir);
            }
        }
    }
}
