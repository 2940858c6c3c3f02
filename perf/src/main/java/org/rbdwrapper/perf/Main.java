package org.rbdwrapper.perf;

import org.rbdwrapper.perf.machine.Cleanup;
import org.rbdwrapper.perf.machine.Environment;
import org.rbdwrapper.perf.machine.Scratch;
import org.rbdwrapper.perf.parts.Plan;
import org.rbdwrapper.perf.report.Findings;
import org.rbdwrapper.perf.report.Report;

import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Callable;

/** {@code perf/compare}: exit codes 0, 1 failure, 2 usage. */
@Command(
        name = "compare",
        description = {
            "Measures this project beside yardsticks of the same run, in turns, and says which bars"
                    + " it holds.",
            "Figures vary with the machine and its load: trust the ratios. Nothing else should"
                    + " run meanwhile.",
            ""
        },
        mixinStandardHelpOptions = true,
        footer = {
            "",
            "Parts:",
            "  memory    the path without a cluster, beside a spinning ping-pong and pread",
            "  stores    fio under librbdwrapper.so, memory and file store, beside a plain file",
            "  idle      CPU of a broker whose 16 clients do nothing",
            "  pause     how long a program waits while its broker is replaced, file store and"
                    + " Ceph",
            "  ways      the same jobs through librbd in fio, RbdFile, librbdwrapper.so, qemu-nbd"
                    + " and rbd-fuse",
            "  scaling   1 to 16 client processes, with memory and threads of all",
            "  commands  wall time of showmapped and rbd ls",
            "The last three start a throwaway cluster: they need Ceph's packages and fio. What is"
                    + " not installed is left out, and said so."
        })
final class Main implements Callable<Integer> {
    @Option(
            names = "--quick",
            description = "Shorter samples, only what the bars need: less than 3 minutes")
    private boolean quick;

    @Option(
            names = "--part",
            paramLabel = "PART",
            split = ",",
            description = "Only these: ${COMPLETION-CANDIDATES}")
    private Set<Part> parts = EnumSet.allOf(Part.class);

    @Option(
            names = "--seconds",
            paramLabel = "S",
            description = "Length of each sample instead of the plan's")
    private double seconds;

    @Option(
            names = "--rounds",
            paramLabel = "N",
            description = "Samples of each kind instead of the plan's")
    private int rounds;

    @Option(
            names = "--fio-option",
            paramLabel = "KEY=VALUE",
            defaultValue = "rbd_cache=false",
            description =
                    "Option of ceph.conf for fio's librbd alone; by default ${DEFAULT-VALUE}, as"
                        + " the broker has it: with its cache librbd answers writes before they are"
                        + " on the OSDs")
    private List<String> fioOptions;

    @Option(names = "--json", paramLabel = "FILE", description = "Writes the figures to FILE")
    private Path json;

    @Option(
            names = "--html",
            paramLabel = "FILE",
            description = "Writes figures and plots to FILE: a page that needs no network")
    private Path html;

    public static void main(String[] args) {
        CommandLine commandLine = new CommandLine(new Main());
        commandLine.setCaseInsensitiveEnumValuesAllowed(true);
        System.exit(commandLine.execute(args));
    }

    @Override
    public Integer call() throws Exception {
        try (Cleanup cleanup = Cleanup.withShutdownHook()) {
            Scratch scratch = cleanup.add(Scratch.create());
            Path root = Path.of(System.getProperty("rbdw.root"));
            try {
                return run(new Environment(root, scratch, cleanup));
            } catch (Exception e) {
                if (cleanup.isClosed()) {
                    return 1; // a signal ended what we waited for
                }
                System.err.println("compare: " + e.getMessage());
                if (!(e instanceof IOException)) {
                    e.printStackTrace();
                }
                return 1;
            }
        }
    }

    private int run(Environment environment) throws Exception {
        Plan plan = (quick ? Plan.QUICK : Plan.FULL).with(rounds, seconds);
        Set<Part> possible = EnumSet.copyOf(parts);
        Findings findings = new Compare(environment, plan, possible, fioOptions).run();
        Report report = new Report(findings);
        System.out.print(report.toText());
        if (json != null) {
            Files.writeString(json, report.toJson(), StandardCharsets.UTF_8);
        }
        if (html != null) {
            Files.writeString(html, report.toHtml(), StandardCharsets.UTF_8);
            environment.say("the page is " + html.toAbsolutePath());
        }
        // what was asked for by name must be there
        boolean all = parts.size() == Part.values().length;
        return !all && !possible.containsAll(parts) ? 1 : 0;
    }
}
