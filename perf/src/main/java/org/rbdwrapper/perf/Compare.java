package org.rbdwrapper.perf;

import org.rbdwrapper.perf.load.FioLoad;
import org.rbdwrapper.perf.machine.Environment;
import org.rbdwrapper.perf.machine.ThrowawayCluster;
import org.rbdwrapper.perf.machine.Tools;
import org.rbdwrapper.perf.parts.CommandsPart;
import org.rbdwrapper.perf.parts.IdlePart;
import org.rbdwrapper.perf.parts.MemoryPart;
import org.rbdwrapper.perf.parts.PausePart;
import org.rbdwrapper.perf.parts.Plan;
import org.rbdwrapper.perf.parts.ScalingPart;
import org.rbdwrapper.perf.parts.StoresPart;
import org.rbdwrapper.perf.parts.WaysPart;
import org.rbdwrapper.perf.report.Findings;
import org.rbdwrapper.perf.ways.CephWays;

import java.time.ZoneId;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

/** Runs the parts one after the other; those on a cluster share one. One thread. */
final class Compare {
    private final Environment environment;
    private final Plan plan;
    private final Set<Part> parts;
    private final List<String> fioOptions;
    private final Map<String, String> leftOut = new LinkedHashMap<>();

    private MemoryPart.Result memory;
    private StoresPart.Result stores;
    private IdlePart.Result idle;
    private PausePart.Result pause;
    private WaysPart.Result ways;
    private ScalingPart.Result scaling;
    private CommandsPart.Result commands;

    Compare(Environment environment, Plan plan, Set<Part> parts, List<String> fioOptions) {
        this.environment = environment;
        this.plan = plan;
        this.parts = parts;
        this.fioOptions = fioOptions;
    }

    Findings run() throws Exception {
        Map<String, Object> machine = Environment.machine();
        String date =
                ZonedDateTime.now(ZoneId.systemDefault())
                        .format(DateTimeFormatter.RFC_1123_DATE_TIME);
        parts.removeIf(this::isImpossible);
        if (parts.contains(Part.MEMORY)) {
            memory = new MemoryPart(environment, plan).run();
            leftOut.putAll(memory.leftOut());
        }
        if (parts.contains(Part.STORES)) {
            stores = new StoresPart(environment, plan).run();
        }
        if (parts.contains(Part.IDLE)) {
            idle = new IdlePart(environment, plan).run();
        }
        if (parts.contains(Part.PAUSE)) {
            pause = new PausePart(environment, plan).run();
            if (pause.withoutCeph() != null) {
                leftOut.put("part pause on Ceph", pause.withoutCeph());
            }
        }
        if (parts.stream().anyMatch(Part::needsCeph)) {
            runOnCeph();
        }
        return new Findings(
                date,
                machine,
                plan,
                fioOptions,
                memory,
                stores,
                idle,
                pause,
                ways,
                scaling,
                commands,
                leftOut);
    }

    private void runOnCeph() throws Exception {
        try (CephWays all = CephWays.start(environment, fioOptions)) {
            all.leftOut().forEach((way, why) -> leftOut.put(way.label().strip(), why));
            if (parts.contains(Part.WAYS)) {
                ways = new WaysPart(environment, plan, all).run();
            }
            if (parts.contains(Part.SCALING)) {
                scaling = new ScalingPart(environment, plan, all).run();
            }
            if (parts.contains(Part.COMMANDS)) {
                commands = new CommandsPart(environment, plan, all).run();
            }
        }
    }

    private boolean isImpossible(Part part) {
        String missing = missing(part);
        if (missing == null) {
            return false;
        }
        String name = "part " + part.name().toLowerCase(Locale.ROOT);
        environment.say("!!! WITHOUT " + name + ": " + missing);
        leftOut.put(name, missing);
        return true;
    }

    /** Null where it can run. */
    private String missing(Part part) {
        if (part.needsCeph()) {
            String ceph = ThrowawayCluster.missing(environment);
            return ceph != null ? ceph : FioLoad.missing(environment);
        }
        return part.needsFio() && !Tools.isOnPath("fio")
                ? "fio is missing: install the package fio"
                : null;
    }
}
