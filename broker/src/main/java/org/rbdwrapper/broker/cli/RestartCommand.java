package org.rbdwrapper.broker.cli;

import org.rbdwrapper.broker.BrokerOptions;
import org.rbdwrapper.broker.RunDirectory;

import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;

/**
 * {@code restart}, which is an upgrade. The next broker is brought up first, as far as it can be
 * beside the one that runs; then that one answers what it has taken and ends, and clients go on
 * with the next. Where the next one cannot come up, the one that runs is left alone.
 */
@Command(
        name = "restart",
        description = {
            "Replaces the broker that is running by one of this version; programs see a pause.",
            "It is started as the one before it was, but for the options given here (with --config:"
                    + " by that file and the options given here alone). Where none is running, one"
                    + " is started."
        },
        mixinStandardHelpOptions = true)
final class RestartCommand implements Callable<Integer> {
    @Spec private CommandSpec spec;
    @Mixin private StartOptions options;

    @Override
    public Integer call() throws Exception {
        Path runDir = options.runDir();
        options.inherit(RunDirectory.lastOptions(runDir));
        BrokerOptions resolved = options.resolve();
        List<String> arguments = new ArrayList<>(options.toArguments(resolved));
        if (RunningBroker.isRunning(runDir)) {
            arguments.add(StartCommand.REPLACES);
        }
        int code = Daemon.start(resolved, arguments, spec.commandLine());
        if (code == 0) {
            RunDirectory.noteOptions(runDir, options.given(resolved));
        } else if (!RunningBroker.isRunning(runDir)) {
            RunDirectory.retractSuccessor(runDir);
        }
        return code;
    }
}
