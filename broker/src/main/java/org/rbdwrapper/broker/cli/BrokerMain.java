package org.rbdwrapper.broker.cli;

import org.rbdwrapper.ipc.ErrnoException;
import org.rbdwrapper.ipc.ProtocolVersion;

import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/**
 * {@code rbdwrapper-broker}: runs the daemon. Exit codes: 0, 1 failure, 2 usage; {@code status} 3
 * where none is running.
 */
@Command(
        name = "rbdwrapper-broker",
        description = {
            "Runs the broker: the one process of a host that holds the connections to the image"
                    + " store, the keys and the map of images. Programs reach it through shared"
                    + " memory.",
            ""
        },
        footer = {
            "",
            "Examples:",
            "  rbdwrapper-broker start                         images in files of the state"
                    + " directory",
            "  rbdwrapper-broker start --store ceph --id rbdw  images in Ceph, as client.rbdw of"
                    + " /etc/ceph/ceph.conf",
            "  rbdwrapper-broker status --format json"
        },
        subcommands = {
            StartCommand.class,
            StopCommand.class,
            RestartCommand.class,
            StatusCommand.class
        },
        mixinStandardHelpOptions = true,
        versionProvider = BrokerMain.Version.class,
        synopsisSubcommandLabel = "COMMAND")
public final class BrokerMain implements Runnable {
    @Spec private CommandSpec spec;

    /** Of this build. */
    static final class Version implements CommandLine.IVersionProvider {
        @Override
        public String[] getVersion() {
            return new String[] {"rbdwrapper-broker " + ProtocolVersion.release()};
        }
    }

    @Override
    public void run() {
        throw new ParameterException(
                spec.commandLine(), "give a command: start, stop, restart or status");
    }

    public static void main(String[] args) {
        System.exit(execute(args));
    }

    static int execute(String[] args) {
        CommandLine commandLine = new CommandLine(new BrokerMain());
        commandLine.setCaseInsensitiveEnumValuesAllowed(true);
        commandLine.setExecutionExceptionHandler(
                (e, command, parsed) -> {
                    String text =
                            e instanceof ErrnoException failure ? failure.describe() : e.toString();
                    command.getErr().println("rbdwrapper-broker: " + text);
                    return 1;
                });
        commandLine.setParameterExceptionHandler(
                (e, parsed) -> {
                    e.getCommandLine()
                            .getErr()
                            .println(
                                    "rbdwrapper-broker: "
                                            + firstLine(e.getMessage())
                                            + " (see --help)");
                    return 2;
                });
        return commandLine.execute(args);
    }

    private static String firstLine(String text) {
        int end = text.indexOf('\n');
        return end < 0 ? text : text.substring(0, end);
    }
}
