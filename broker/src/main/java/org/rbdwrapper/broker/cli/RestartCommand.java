package org.rbdwrapper.broker.cli;

import org.rbdwrapper.broker.BrokerOptions;

import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

import java.util.concurrent.Callable;

/** {@code restart}: the map survives; the clients' connections do not. */
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
        StopCommand.stop(resolved.runDir());
        return Daemon.start(resolved, options.toArguments(resolved), spec.commandLine());
    }
}
