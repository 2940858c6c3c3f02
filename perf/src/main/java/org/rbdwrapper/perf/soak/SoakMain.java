package org.rbdwrapper.perf.soak;

import org.rbdwrapper.perf.machine.Cleanup;
import org.rbdwrapper.perf.machine.Environment;
import org.rbdwrapper.perf.machine.Scratch;

import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.Callable;

/** {@code perf/soak}: exit codes 0, 1 something does not hold, 2 usage. */
@Command(
        name = "soak",
        description = {
            "Clients of all kinds come and go, end well, are killed or stopped, while brokers are"
                    + " killed and upgraded, and a cluster's daemons are killed and stopped.",
            "Compares what the broker holds without clients after the first minute and at the end.",
            "Where something does not hold, the folder of the run is kept.",
            ""
        },
        mixinStandardHelpOptions = true)
final class SoakMain implements Callable<Integer> {
    private enum Store {
        FILE,
        CEPH
    }

    @Option(
            names = "--minutes",
            paramLabel = "M",
            defaultValue = "60",
            description = "How long (default: ${DEFAULT-VALUE})")
    private double minutes;

    @Option(
            names = "--store",
            paramLabel = "STORE",
            defaultValue = "file",
            description = "file, or ceph: on a throwaway cluster (default: ${DEFAULT-VALUE})")
    private Store store;

    @Option(
            names = "--clients",
            paramLabel = "N",
            defaultValue = "16",
            description = "So many at a time (default: ${DEFAULT-VALUE})")
    private int clients;

    @Option(
            names = "--seed",
            paramLabel = "N",
            description = "Of what is drawn; processes take their own time all the same")
    private Long seed;

    public static void main(String[] args) {
        CommandLine commandLine = new CommandLine(new SoakMain());
        commandLine.setCaseInsensitiveEnumValuesAllowed(true);
        System.exit(commandLine.execute(args));
    }

    @Override
    public Integer call() throws Exception {
        try (Cleanup cleanup = Cleanup.withShutdownHook()) {
            Evidence evidence = cleanup.add(new Evidence(Scratch.create()));
            try {
                return run(
                        new Environment(
                                Path.of(System.getProperty("rbdw.root")),
                                evidence.scratch(),
                                cleanup),
                        evidence);
            } catch (Exception e) {
                if (cleanup.isClosed()) {
                    return 1; // a signal ended what we waited for
                }
                evidence.keep();
                Soak.say("FAILED: " + e.getMessage());
                if (!(e instanceof IOException)) {
                    e.printStackTrace();
                }
                return 1;
            }
        }
    }

    private int run(Environment environment, Evidence evidence) throws Exception {
        long drawn = seed == null ? System.nanoTime() % 1_000_000 : seed;
        Soak.say("seed " + drawn + ", in " + environment.scratch().path());
        Soak soak =
                new Soak(environment, Schedule.of(minutes), store == Store.CEPH, clients, drawn);
        Verdict verdict;
        try {
            verdict = soak.run();
        } catch (Exception e) {
            Soak.say(soak.summary());
            throw e;
        }
        System.out.print(verdict.toText());
        System.out.println(soak.summary());
        if (verdict.complaints().isEmpty()) {
            System.out.println("it holds");
            return 0;
        }
        verdict.complaints()
                .forEach(complaint -> System.out.println("DOES NOT HOLD: " + complaint));
        evidence.keep();
        return 1;
    }
}
