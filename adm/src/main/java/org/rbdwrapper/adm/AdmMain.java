package org.rbdwrapper.adm;

import org.rbdwrapper.ipc.ErrnoException;
import org.rbdwrapper.ipc.ProtocolVersion;

import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code rbdwrapper-adm}: images, the map, the clients. Exit codes: 0, 1 failure, 2 usage. */
@Command(
        name = "rbdwrapper-adm",
        description = {
            "Administers a broker: maps images to paths under /rbdw, as `rbd map` maps them to"
                    + " devices, and creates, lists and removes images.",
            ""
        },
        footer = {
            "",
            "SPEC is [pool/[namespace/]]image[@snap]; the default pool is rbd.",
            "The broker is found by RBDW_RUN_DIR, else it is the one of this user, else that of"
                    + " /run/rbdwrapper.",
            "",
            "Examples:",
            "  rbdwrapper-adm create img0 --size 10G",
            "  rbdwrapper-adm map img0                      prints /rbdw/img0",
            "  rbdwrapper-adm showmapped --format json",
            "  rbdwrapper-adm unmap /rbdw/img0"
        },
        subcommands = {
            CreateCommand.class,
            ListCommand.class,
            RemoveCommand.class,
            InfoCommand.class,
            ResizeCommand.class,
            MapCommand.class,
            UnmapCommand.class,
            ShowMappedCommand.class,
            ClientsCommand.class,
            DoctorCommand.class
        },
        mixinStandardHelpOptions = true,
        versionProvider = AdmMain.Version.class,
        synopsisSubcommandLabel = "COMMAND")
public final class AdmMain implements Runnable {
    static final String PROGRAM = "rbdwrapper-adm";

    @Spec private CommandSpec spec;

    /** Of this build. */
    static final class Version implements CommandLine.IVersionProvider {
        @Override
        public String[] getVersion() {
            return new String[] {PROGRAM + " " + ProtocolVersion.release()};
        }
    }

    @Override
    public void run() {
        throw new ParameterException(spec.commandLine(), "give a command");
    }

    public static void main(String[] args) {
        System.exit(commandLine().execute(args));
    }

    /** The command as {@link #main} runs it. */
    static CommandLine commandLine() {
        CommandLine commandLine = new CommandLine(new AdmMain());
        commandLine.setCaseInsensitiveEnumValuesAllowed(true);
        commandLine.setExecutionExceptionHandler(
                (e, command, parsed) -> {
                    String text =
                            e instanceof ErrnoException failure ? failure.describe() : e.toString();
                    command.getErr().println(PROGRAM + ": " + text);
                    return 1;
                });
        commandLine.setParameterExceptionHandler(
                (e, parsed) -> {
                    e.getCommandLine()
                            .getErr()
                            .println(PROGRAM + ": " + firstLine(e.getMessage()) + " (see --help)");
                    return 2;
                });
        return commandLine;
    }

    private static String firstLine(String text) {
        int end = text.indexOf('\n');
        return end < 0 ? text : text.substring(0, end);
    }
}
