package org.rbdwrapper.broker.cli;

import org.rbdwrapper.broker.BrokerOptions;
import org.rbdwrapper.broker.ClientLimits;
import org.rbdwrapper.broker.messenger.MessengerPolicy;
import org.rbdwrapper.broker.store.StoreSpec;
import org.rbdwrapper.ipc.RunDirectories;

import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

import java.io.IOException;
import java.io.Reader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Properties;
import java.util.Set;
import java.util.function.Function;

/**
 * The options of {@code start} and {@code restart}: they win over the environment, that over the
 * config file.
 */
final class StartOptions {
    private static final Set<String> KEYS =
            Set.of(
                    "run-dir",
                    "state-dir",
                    "store",
                    "id",
                    "messengers",
                    "max-messengers",
                    "max-sessions",
                    "max-memory",
                    "max-opens",
                    "user-share",
                    "max-in-flight");
    private static final String CONFIG = "config";

    @Spec(Spec.Target.MIXEE)
    private CommandSpec spec;

    @Option(
            names = "--run-dir",
            paramLabel = "DIR",
            description =
                    "Where clients find the socket (RBDW_RUN_DIR; default: /run/rbdwrapper for"
                            + " root, else $XDG_RUNTIME_DIR/rbdwrapper, else /tmp/rbdwrapper-UID)")
    private String runDir;

    @Option(
            names = "--state-dir",
            paramLabel = "DIR",
            description =
                    "Where the map, the log and embedded images are kept (RBDW_STATE_DIR; default:"
                            + " /var/lib/rbdwrapper for root, else rbdwrapper in $XDG_STATE_HOME or"
                            + " ~/.local/state)")
    private String stateDir;

    @Option(
            names = "--store",
            paramLabel = "STORE",
            description =
                    "Where images are: file[:DIR] (default; DIR: images in the state directory),"
                        + " ceph[:CONF] (a cluster; CONF: Ceph's usual places) or memory (lost at"
                        + " the end)")
    private String store;

    @Option(
            names = "--id",
            paramLabel = "ID",
            description = "Ceph user without 'client.' (default: admin)")
    private String id;

    @Option(
            names = "--messengers",
            paramLabel = "POLICY",
            description =
                    "Connections to the store: per-client (default), per-image, shared:N or auto"
                        + " (one, and another where it is seen to be needed). An image that is open"
                        + " for writing is served by one of them whatever the policy")
    private String messengers;

    @Option(
            names = "--max-messengers",
            paramLabel = "N",
            description = "At most so many connections (default: the number of cores)")
    private String maxMessengers;

    @Option(
            names = "--max-sessions",
            paramLabel = "N",
            description =
                    "At most so many sessions of clients at a time, up to 65000; a program has 1 to"
                            + " 3 (default: 4096)")
    private String maxSessions;

    @Option(
            names = "--max-memory",
            paramLabel = "SIZE",
            description =
                    "At most so much memory shared with clients, such as 512M or 2G; a session"
                            + " takes 5M or more (default: a quarter of the host's memory)")
    private String maxMemory;

    @Option(
            names = "--max-opens",
            paramLabel = "N",
            description = "At most so many opens at a time, of whatever images (default: 65536)")
    private String maxOpens;

    @Option(
            names = "--user-share",
            paramLabel = "PERCENT",
            description =
                    "At most so much of each of these three for one user other than root and the"
                            + " broker's own, and of --max-in-flight (default: 25)")
    private String userShare;

    @Option(
            names = "--max-in-flight",
            paramLabel = "SIZE",
            description =
                    "At most so many bytes of transfers of 64K or more on their way to or from the"
                        + " store at a time; more of them wait (default: a quarter of --max-memory,"
                        + " at least 128M)")
    private String maxInFlight;

    @Option(
            names = "--config",
            paramLabel = "FILE",
            description =
                    "Reads defaults for these options from FILE: lines of option=value, without the"
                            + " dashes")
    private Path config;

    /** The run directory alone, for the commands that look for a running broker. */
    Path runDir() {
        return Path.of(
                        choose(
                                runDir,
                                "RBDW_RUN_DIR",
                                "run-dir",
                                readConfig(),
                                RunDirectories.ofThisProcess().runDir().toString()))
                .toAbsolutePath();
    }

    BrokerOptions resolve() {
        Properties file = readConfig();
        RunDirectories directories = RunDirectories.ofThisProcess();
        return new BrokerOptions(
                runDir(),
                Path.of(
                                choose(
                                        stateDir,
                                        "RBDW_STATE_DIR",
                                        "state-dir",
                                        file,
                                        directories.stateDir().toString()))
                        .toAbsolutePath(),
                parse("--store", choose(store, null, "store", file, "file"), StoreSpec::parse),
                choose(id, null, "id", file, "admin"),
                parse(
                        "--messengers",
                        choose(messengers, null, "messengers", file, "per-client"),
                        MessengerPolicy::parse),
                parse(
                        "--max-messengers",
                        choose(
                                maxMessengers,
                                null,
                                "max-messengers",
                                file,
                                Integer.toString(Runtime.getRuntime().availableProcessors())),
                        StartOptions::count),
                limits(file),
                BrokerOptions.DEFAULT_HELLO_TIMEOUT_NANOS);
    }

    /**
     * What {@code restart} takes over from the broker that it replaces: what that one was given, as
     * long as nothing else is said here. With {@code --config} that file says all.
     *
     * @param before of {@link #given}.
     */
    void inherit(Properties before) {
        if (config != null) {
            return;
        }
        if (!isSet("RBDW_STATE_DIR")) {
            stateDir = orElse(stateDir, before, "state-dir");
        }
        store = orElse(store, before, "store");
        id = orElse(id, before, "id");
        messengers = orElse(messengers, before, "messengers");
        maxMessengers = orElse(maxMessengers, before, "max-messengers");
        maxSessions = orElse(maxSessions, before, "max-sessions");
        maxMemory = orElse(maxMemory, before, "max-memory");
        maxOpens = orElse(maxOpens, before, "max-opens");
        userShare = orElse(userShare, before, "user-share");
        maxInFlight = orElse(maxInFlight, before, "max-in-flight");
        String file = before.getProperty(CONFIG);
        config = file == null ? null : Path.of(file);
    }

    /** What was said here or by the environment, not what followed from it; paths are absolute. */
    Properties given(BrokerOptions resolved) {
        Properties given = new Properties();
        if (stateDir != null || isSet("RBDW_STATE_DIR")) {
            given.setProperty("state-dir", resolved.stateDir().toString());
        }
        if (store != null) {
            given.setProperty("store", absolute(resolved.store()));
        }
        putIfGiven(given, "id", id);
        putIfGiven(given, "messengers", messengers);
        putIfGiven(given, "max-messengers", maxMessengers);
        putIfGiven(given, "max-sessions", maxSessions);
        putIfGiven(given, "max-memory", maxMemory);
        putIfGiven(given, "max-opens", maxOpens);
        putIfGiven(given, "user-share", userShare);
        putIfGiven(given, "max-in-flight", maxInFlight);
        putIfGiven(given, CONFIG, config == null ? null : config.toAbsolutePath().toString());
        return given;
    }

    private ClientLimits limits(Properties file) {
        ClientLimits defaults = ClientLimits.defaults();
        long memory = size("max-memory", maxMemory, file, defaults.maxMemory());
        return new ClientLimits(
                (int)
                        number(
                                "max-sessions",
                                maxSessions,
                                file,
                                defaults.maxSessions(),
                                ClientLimits.MOST_SESSIONS),
                memory,
                (int) number("max-opens", maxOpens, file, defaults.maxOpens(), 10_000_000),
                (int) number("user-share", userShare, file, defaults.userShare(), 100),
                size("max-in-flight", maxInFlight, file, ClientLimits.defaultMaxInFlight(memory)));
    }

    private long size(String key, String option, Properties file, long otherwise) {
        return parse("--" + key, choose(option, null, key, file, otherwise + "B"), ByteSize::parse);
    }

    private long number(String key, String option, Properties file, long otherwise, long most) {
        return parse(
                "--" + key,
                choose(option, null, key, file, Long.toString(otherwise)),
                text -> {
                    if (!text.matches("[1-9][0-9]{0,9}") || Long.parseLong(text) > most) {
                        throw new IllegalArgumentException(
                                "'" + text + "' is not a number from 1 to " + most);
                    }
                    return Long.parseLong(text);
                });
    }

    /** As words, for the daemon that is started with them. */
    List<String> toArguments(BrokerOptions options) {
        List<String> arguments = new ArrayList<>();
        arguments.addAll(List.of("--run-dir", options.runDir().toString()));
        arguments.addAll(List.of("--state-dir", options.stateDir().toString()));
        arguments.addAll(List.of("--store", absolute(options.store())));
        arguments.addAll(List.of("--id", options.cephId()));
        arguments.addAll(List.of("--messengers", options.policy().toString()));
        arguments.addAll(List.of("--max-messengers", Integer.toString(options.maxMessengers())));
        ClientLimits limits = options.limits();
        arguments.addAll(List.of("--max-sessions", Integer.toString(limits.maxSessions())));
        arguments.addAll(List.of("--max-memory", limits.maxMemory() + "B"));
        arguments.addAll(List.of("--max-opens", Integer.toString(limits.maxOpens())));
        arguments.addAll(List.of("--user-share", Integer.toString(limits.userShare())));
        arguments.addAll(List.of("--max-in-flight", limits.maxInFlight() + "B"));
        return arguments;
    }

    private Properties readConfig() {
        Properties properties = new Properties();
        if (config == null) {
            return properties;
        }
        try (Reader reader = Files.newBufferedReader(config)) {
            properties.load(reader);
        } catch (IOException | IllegalArgumentException e) {
            throw usage("config file " + config + " cannot be read (" + e.getMessage() + ")");
        }
        for (String key : properties.stringPropertyNames()) {
            if (!KEYS.contains(key)) {
                throw usage(
                        "config file "
                                + config
                                + ": '"
                                + key
                                + "' is not known, only "
                                + String.join(", ", KEYS.stream().sorted().toList()));
            }
        }
        return properties;
    }

    private <T> T parse(String option, String text, Function<String, T> parser) {
        try {
            return parser.apply(text);
        } catch (IllegalArgumentException e) {
            throw usage(option + ": " + e.getMessage());
        }
    }

    private ParameterException usage(String message) {
        return new ParameterException(spec.commandLine(), message);
    }

    private static String choose(
            String option, String variable, String key, Properties file, String otherwise) {
        String environment = variable == null ? null : System.getenv(variable);
        if (option != null) {
            return option;
        }
        if (environment != null && !environment.isEmpty()) {
            return environment;
        }
        return file.getProperty(key, otherwise);
    }

    private static boolean isSet(String variable) {
        String value = System.getenv(variable);
        return value != null && !value.isEmpty();
    }

    private static String orElse(String option, Properties before, String key) {
        return option != null ? option : before.getProperty(key);
    }

    private static void putIfGiven(Properties given, String key, String value) {
        if (value != null) {
            given.setProperty(key, value);
        }
    }

    /** As {@code --store} has it; the daemon's working directory is another. */
    private static String absolute(StoreSpec store) {
        String kind = store.kind().name().toLowerCase(java.util.Locale.ROOT);
        String location = store.location();
        return location.isEmpty() ? kind : kind + ":" + Path.of(location).toAbsolutePath();
    }

    private static int count(String text) {
        if (!text.matches("[1-9][0-9]{0,2}")) {
            throw new IllegalArgumentException("'" + text + "' is not a number from 1 to 999");
        }
        return Integer.parseInt(text);
    }
}
