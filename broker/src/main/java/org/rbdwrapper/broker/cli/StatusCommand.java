package org.rbdwrapper.broker.cli;

import com.google.gson.GsonBuilder;

import org.rbdwrapper.ipc.RunDirectories;
import org.rbdwrapper.ipc.codec.BrokerDescriptionDecoder;

import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

import java.io.PrintWriter;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
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

    @Option(
            names = "--interval",
            paramLabel = "SECONDS",
            description =
                    "Rates of the messengers over so many seconds from now, 0.1 to 3600 (default:"
                            + " since each began)")
    private String interval;

    private enum Format {
        PLAIN,
        JSON
    }

    @Override
    public Integer call() throws Exception {
        long intervalMillis = interval == null ? 0 : millis(interval);
        Path dir = runDir != null ? runDir : RunDirectories.ofThisProcess().runDir();
        Map<String, Object> fields = new LinkedHashMap<>();
        List<MessengerFigures> before = List.of();
        List<MessengerFigures> now = List.of();
        List<LimitFigures> limits = List.of();
        List<StallFigures> stalls = List.of();
        Optional<RunningBroker> found = RunningBroker.find(dir);
        fields.put("running", found.isPresent());
        if (found.isPresent()) {
            try (RunningBroker broker = found.get()) {
                fields.putAll(broker.describe(StatusCommand::fields));
                limits = broker.limits();
                stalls = broker.stalls();
                if (intervalMillis > 0) {
                    before = broker.messengers();
                    Thread.sleep(intervalMillis);
                }
                now = broker.messengers();
            }
        } else {
            fields.put("run_dir", dir.toString());
        }
        PrintWriter out = spec.commandLine().getOut();
        if (format == Format.JSON) {
            if (found.isPresent()) {
                List<Object> each = new ArrayList<>();
                for (MessengerFigures messenger : now) {
                    each.add(messenger.toFields(earlier(messenger, before)));
                }
                fields.put("per_messenger", each);
                Map<String, Object> perResource = new LinkedHashMap<>();
                for (LimitFigures limit : limits) {
                    perResource.put(limit.resource(), limit.toFields());
                }
                fields.put("limits", perResource);
                fields.put("stalls", stalls.stream().map(StallFigures::toFields).toList());
            }
            out.println(new GsonBuilder().disableHtmlEscaping().create().toJson(fields));
        } else {
            for (LimitFigures limit : limits) {
                fields.put(
                        "of " + limit.resource(),
                        limit.used()
                                + " of "
                                + limit.maximum()
                                + " ("
                                + limit.userMaximum()
                                + " a user)");
            }
            fields.forEach((key, value) -> out.printf("%-12s %s%n", key.replace('_', ' '), value));
            stalls.forEach(stall -> out.printf("%-12s %s%n", "stalled", stall.toLine()));
            print(out, now, before);
        }
        return found.isPresent() ? 0 : NOT_RUNNING;
    }

    /** Nothing where there is no messenger yet. */
    private static void print(
            PrintWriter out, List<MessengerFigures> now, List<MessengerFigures> before) {
        if (now.isEmpty()) {
            return;
        }
        List<List<String>> rows = new ArrayList<>();
        rows.add(MessengerFigures.HEADINGS);
        for (MessengerFigures messenger : now) {
            rows.add(messenger.toRow(earlier(messenger, before)));
        }
        out.println();
        for (List<String> row : rows) {
            StringBuilder line = new StringBuilder();
            for (int i = 0; i < row.size(); i++) {
                int column = i;
                int width = rows.stream().mapToInt(r -> r.get(column).length()).max().orElse(0);
                line.append(row.get(i)).repeat(' ', width - row.get(i).length() + 2);
            }
            out.println(line.toString().stripTrailing());
        }
    }

    /** Null for one that was added in the meantime. */
    private static MessengerFigures earlier(
            MessengerFigures messenger, List<MessengerFigures> before) {
        return before.stream()
                .filter(one -> one.index() == messenger.index())
                .findFirst()
                .orElse(null);
    }

    private long millis(String seconds) {
        if (seconds.matches("[0-9]{1,4}([.][0-9]{1,3})?")) {
            double value = Double.parseDouble(seconds);
            if (value >= 0.1 && value <= 3600) {
                return Math.round(value * 1000);
            }
        }
        throw new ParameterException(
                spec.commandLine(),
                "--interval: '" + seconds + "' is not a number of seconds from 0.1 to 3600");
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
