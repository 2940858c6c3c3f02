package org.rbdwrapper.broker.cli;

import com.google.gson.GsonBuilder;

import org.rbdwrapper.ipc.RunDirectories;
import org.rbdwrapper.ipc.codec.BrokerDescriptionDecoder;

import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

import java.io.PrintWriter;
import java.nio.file.Path;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;

/** {@code status}: exit 0 where a broker is running, 3 where none is. */
@Command(
        name = "status",
        description =
                "Shows whether a broker is running (exit 0) or not (exit 3), and what it does.",
        mixinStandardHelpOptions = true)
final class StatusCommand implements Callable<Integer> {
    private static final int NOT_RUNNING = 3;

    @Spec private CommandSpec spec;

    @Option(
            names = "--run-dir",
            paramLabel = "DIR",
            description = "The broker's run directory (RBDW_RUN_DIR)")
    private Path runDir;

    @Option(names = "--format", paramLabel = "FORMAT", description = "plain (default) or json")
    private Format format = Format.PLAIN;

    private enum Format {
        PLAIN,
        JSON
    }

    @Override
    public Integer call() throws Exception {
        Path dir = runDir != null ? runDir : RunDirectories.ofThisProcess().runDir();
        Map<String, Object> fields = new LinkedHashMap<>();
        Optional<RunningBroker> found = RunningBroker.find(dir);
        fields.put("running", found.isPresent());
        if (found.isPresent()) {
            try (RunningBroker broker = found.get()) {
                fields.putAll(broker.describe(StatusCommand::fields));
            }
        } else {
            fields.put("run_dir", dir.toString());
        }
        PrintWriter out = spec.commandLine().getOut();
        if (format == Format.JSON) {
            out.println(new GsonBuilder().disableHtmlEscaping().create().toJson(fields));
        } else {
            fields.forEach((key, value) -> out.printf("%-12s %s%n", key.replace('_', ' '), value));
        }
        return found.isPresent() ? 0 : NOT_RUNNING;
    }

    private static Map<String, Object> fields(BrokerDescriptionDecoder broker) {
        Map<String, Object> fields = new LinkedHashMap<>();
        long startedAt = broker.startedAt();
        fields.put("pid", broker.pid());
        fields.put(
                "started_at",
                Instant.ofEpochSecond(startedAt / 1_000_000_000L, startedAt % 1_000_000_000L)
                        .toString());
        fields.put("clients", broker.sessions() - 1); // without this question
        fields.put("mappings", broker.mappings());
        fields.put("opens", broker.opens());
        fields.put("messengers", broker.messengers());
        fields.put("violations", broker.violations());
        // in the order of the schema
        fields.put("release", broker.release());
        fields.put("store", broker.store());
        fields.put("policy", broker.policy());
        fields.put("run_dir", broker.runDir());
        fields.put("state_dir", broker.stateDir());
        fields.put("log_file", broker.logFile());
        return fields;
    }
}
