package org.rbdwrapper.perf;

import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;

/** {@code perf/compare}: exit codes 0, 1 failure, 2 usage. */
@Command(
        name = "compare",
        description = {
            "Measures this project beside yardsticks of the same run: with images in memory, beside"
                    + " a spinning ping-pong and reads from the page cache; with images in a"
                    + " throwaway Ceph cluster, beside fio's rbd engine in turns.",
            "Figures vary with the machine and its load: trust the ratios. Nothing else should"
                    + " run meanwhile.",
            ""
        },
        mixinStandardHelpOptions = true)
final class Main implements Callable<Integer> {
    /** Which parts. */
    enum Part {
        ALL,
        MEMORY,
        CEPH,
        WAYS
    }

    @Option(names = "--quick", description = "Fewer and shorter samples: less than 3 minutes")
    private boolean quick;

    @Option(
            names = "--part",
            paramLabel = "PART",
            description = {
                "all (default), memory, ceph or ways; the latter two need the packages of Ceph and"
                        + " fio. ways: the same jobs through librbd in fio, librbdwrapper.so,"
                        + " qemu-nbd and rbd-fuse, as far as they are installed"
            })
    private Part part = Part.ALL;

    @Option(
            names = "--seconds",
            paramLabel = "S",
            description = "Length of each sample instead of the plan's")
    private double seconds;

    @Option(
            names = "--fio-option",
            paramLabel = "KEY=VALUE",
            description = "Option of ceph.conf for fio's librbd alone, e.g. rbd_cache=false")
    private List<String> fioOptions = List.of();

    @Option(names = "--json", paramLabel = "FILE", description = "Writes the figures to FILE")
    private Path json;

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
                if (!(e instanceof java.io.IOException)) {
                    e.printStackTrace();
                }
                return 1;
            }
        }
    }

    private int run(Environment environment) throws Exception {
        Map<String, Object> machine = Environment.machine();
        Plan plan = plan();
        String missing = part == Part.MEMORY ? null : CephPart.missing(environment);
        if (missing != null) {
            environment.say("!!! THE CEPH PART WILL NOT BE RUN: " + missing);
        }
        MemoryPart.Result memory =
                has(Part.MEMORY) ? new MemoryPart(environment, plan).run() : null;
        CephPart.Result ceph =
                has(Part.CEPH) && missing == null
                        ? new CephPart(environment, plan, fioOptions).run()
                        : null;
        WaysPart.Result ways =
                has(Part.WAYS) && missing == null
                        ? new WaysPart(environment, plan, quick ? FioJob.QUICK : FioJob.FULL).run()
                        : null;
        Report report = new Report(machine, plan, fioOptions, memory, ceph, ways, missing);
        System.out.print(report.toTable());
        if (json != null) {
            Files.writeString(json, report.toJson(), StandardCharsets.UTF_8);
        }
        return (part == Part.CEPH || part == Part.WAYS) && missing != null ? 1 : 0;
    }

    private boolean has(Part asked) {
        return part == asked || part == Part.ALL;
    }

    private Plan plan() {
        Plan plan = quick ? Plan.QUICK : Plan.FULL;
        return seconds <= 0
                ? plan
                : new Plan(plan.memoryRounds(), seconds, plan.cephPairs(), seconds, seconds);
    }
}
