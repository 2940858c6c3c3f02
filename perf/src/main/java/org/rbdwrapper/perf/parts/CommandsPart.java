package org.rbdwrapper.perf.parts;

import org.rbdwrapper.perf.machine.Environment;
import org.rbdwrapper.perf.measure.Stats;
import org.rbdwrapper.perf.ways.CephWays;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Wall time of short commands, in turns: what each costs from start to end. */
public record CommandsPart(Environment environment, Plan plan, CephWays ways) {
    /** Short, so there can be more of them. */
    private static final int RUNS_A_ROUND = 3;

    /**
     * @param ratio of each pair.
     */
    public record Result(Stats showmappedMillis, Stats rbdLsMillis, Stats ratio) {}

    public Result run() throws IOException {
        Progress progress = new Progress(environment, "commands", plan.rounds());
        List<Double> ours = new ArrayList<>();
        List<Double> theirs = new ArrayList<>();
        Map<String, String> runDir = Map.of("RBDW_RUN_DIR", ways.broker().runDir().toString());
        String adm = environment.adminCommand().toString();
        String conf = ways.cluster().conf().toString();
        millis(runDir, adm, "showmapped"); // what it reads is in the page cache from now on
        millis(Map.of(), "rbd", "-c", conf, "ls");
        for (int round = 1; round <= plan.rounds(); round++) {
            progress.step("rbdwrapper-adm showmapped, rbd ls");
            for (int run = 0; run < RUNS_A_ROUND; run++) {
                ours.add(millis(runDir, adm, "showmapped"));
                theirs.add(millis(Map.of(), "rbd", "-c", conf, "ls"));
            }
        }
        return new Result(
                Stats.of(ours, Double::doubleValue),
                Stats.of(theirs, Double::doubleValue),
                Stats.ofRatios(ours, theirs));
    }

    private double millis(Map<String, String> variables, String... command) throws IOException {
        long start = System.nanoTime();
        Commands.run(environment, variables, command);
        return (System.nanoTime() - start) / 1e6;
    }
}
