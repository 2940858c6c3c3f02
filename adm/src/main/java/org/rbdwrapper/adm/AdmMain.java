package org.rbdwrapper.adm;

import org.rbdwrapper.ipc.ErrnoException;
import org.rbdwrapper.ipc.ProtocolVersion;

import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

import java.io.PrintWriter;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Supplier;

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
        mixinStandardHelpOptions = true,
        versionProvider = AdmMain.Version.class,
        synopsisSubcommandLabel = "COMMAND")
public final class AdmMain implements Runnable {
    static final String PROGRAM = "rbdwrapper-adm";

    /** In the order of the help. */
    private static final Map<String, Supplier<Object>> COMMANDS = new LinkedHashMap<>();

    static {
        COMMANDS.put("create", CreateCommand::new);
        COMMANDS.put("ls", ListCommand::new);
        COMMANDS.put("rm", RemoveCommand::new);
        COMMANDS.put("info", InfoCommand::new);
        COMMANDS.put("resize", ResizeCommand::new);
        COMMANDS.put("map", MapCommand::new);
        COMMANDS.put("unmap", UnmapCommand::new);
        COMMANDS.put("showmapped", ShowMappedCommand::new);
        COMMANDS.put("clients", ClientsCommand::new);
        COMMANDS.put("doctor", DoctorCommand::new);
    }

    /**
     * Those that need no arguments. Where none is given there is nothing to parse, and a short
     * command does without picocli, whose model of a command takes longer than the command.
     */
    private static final Map<String, Supplier<AdmCommand>> WITHOUT_ARGUMENTS =
            Map.of(
                    "ls", ListCommand::new,
                    "showmapped", ShowMappedCommand::new,
                    "clients", ClientsCommand::new);

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
        Supplier<AdmCommand> plain = args.length == 1 ? WITHOUT_ARGUMENTS.get(args[0]) : null;
        System.exit(plain == null ? commandLine(args).execute(args) : execute(plain.get()));
    }

    private static int execute(AdmCommand command) {
        PrintWriter out = new PrintWriter(System.out, false, System.out.charset());
        try {
            command.callWithoutArguments(out);
            return 0;
        } catch (Exception e) {
            System.err.println(line(e));
            return 1;
        } finally {
            out.flush();
        }
    }

    /**
     * The command as {@link #main} runs it. Of its subcommands only the one that is asked for, if
     * that is plain: to read the annotations of all of them is most of what a short command does.
     */
    static CommandLine commandLine(String... args) {
        CommandLine commandLine = new CommandLine(new AdmMain());
        Supplier<Object> asked = args.length > 0 ? COMMANDS.get(args[0]) : null;
        if (asked != null) {
            commandLine.addSubcommand(args[0], asked.get());
        } else {
            COMMANDS.forEach((name, command) -> commandLine.addSubcommand(name, command.get()));
        }
        commandLine.setCaseInsensitiveEnumValuesAllowed(true);
        commandLine.setExecutionExceptionHandler(
                (e, command, parsed) -> {
                    command.getErr().println(line(e));
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

    private static String line(Exception e) {
        return PROGRAM
                + ": "
                + (e instanceof ErrnoException failure ? failure.describe() : e.toString());
    }

    private static String firstLine(String text) {
        int end = text.indexOf('\n');
        return end < 0 ? text : text.substring(0, end);
    }
}
