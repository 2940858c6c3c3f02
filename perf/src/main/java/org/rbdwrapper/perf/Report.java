package org.rbdwrapper.perf;

import com.google.gson.GsonBuilder;

import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * What a run found: as a table for people and as JSON for programs.
 *
 * @param memory null where that part was not asked for.
 * @param ceph null where that part was not run.
 * @param ways likewise.
 * @param cephNotRun why it was not, where it was asked for; else null.
 * @param fioOptions what fio's librbd was set to, beside the cluster's own ceph.conf.
 */
record Report(
        Map<String, Object> machine,
        Plan plan,
        List<String> fioOptions,
        MemoryPart.Result memory,
        CephPart.Result ceph,
        WaysPart.Result ways,
        String cephNotRun) {
    String toJson() {
        return new GsonBuilder().setPrettyPrinting().create().toJson(this) + "\n";
    }

    String toTable() {
        StringBuilder text = new StringBuilder();
        if (memory != null) {
            appendMemory(text);
        }
        if (ceph != null) {
            appendCeph(text);
        }
        if (ways != null) {
            appendWays(text);
        }
        if (cephNotRun != null) {
            line(text, "%n!!! THE CEPH PART WAS NOT RUN: %s", cephNotRun);
        }
        return text.toString();
    }

    private void appendMemory(StringBuilder text) {
        line(text, "%nMemory store, 4 KiB random reads; medians of %d rounds", plan.memoryRounds());
        line(
                text,
                "%-28s %9s %9s %9s %11s %10s",
                "",
                "p50 us",
                "p99 us",
                "p99.9 us",
                "IOPS",
                "B/request");
        memory.samples()
                .forEach(
                        (kind, samples) -> {
                            Sample first = samples.getFirst();
                            line(
                                    text,
                                    "%-28s %9s %9s %9s %11.0f %10s",
                                    kind,
                                    micros(Stats.of(samples, Sample::p50Micros).median()),
                                    micros(Stats.of(samples, Sample::p99Micros).median()),
                                    micros(Stats.of(samples, Sample::p999Micros).median()),
                                    Stats.of(samples, Sample::iops).median(),
                                    first.allocatedPerOperation() < 0
                                            ? "-"
                                            : bytes(
                                                    Stats.of(samples, Sample::allocatedPerOperation)
                                                            .median()));
                        });
        line(text, "%s", "RbdFile with 1 thread over the yardstick, median (min-max):");
        memory.ratios().forEach((name, ratio) -> line(text, "  %-26s %s", name, spread(ratio)));
        line(
                text,
                "Broker's threads: %s B of Java heap a request (1 thread)",
                bytes(memory.brokerBytesPerRequest()));
    }

    private void appendCeph(StringBuilder text) {
        line(
                text,
                "%nCeph, 4 KiB random reads, fio's rbd engine and ours in turns; medians of %d"
                        + " pairs%s",
                plan.cephPairs(),
                fioOptions.isEmpty() ? "" : "; fio with " + String.join(", ", fioOptions));
        line(
                text,
                "%-8s %11s %11s   %-22s %10s",
                "depth",
                "fio IOPS",
                "our IOPS",
                "ours/fio (min-max)",
                "B/request");
        for (CephPart.Depth depth : ceph.depths()) {
            line(
                    text,
                    "%-8d %11.0f %11.0f   %-22s %10s",
                    depth.depth(),
                    depth.fio().median(),
                    depth.ours().median(),
                    spread(depth.ratio()),
                    bytes(depth.clientBytesPerRequest()));
        }
        line(
                text,
                "Broker's threads: %s B of Java heap a request (depth 64)",
                bytes(ceph.brokerBytesPerRequest()));
    }

    private void appendWays(StringBuilder text) {
        line(
                text,
                "%nCeph, fio through every way in turns; over librbd in fio in the same round,"
                        + " median (min-max) of %d; CPU: of fio and who serves it, a request",
                plan.cephPairs());
        String job = "";
        for (WaysPart.Row row : ways.rows()) {
            if (!row.job().equals(job)) {
                job = row.job();
                line(
                        text,
                        "%-30s %9s %9s %9s %9s   %-18s %-18s %s",
                        job,
                        "IOPS",
                        "p50 us",
                        "p99 us",
                        "CPU us",
                        "IOPS",
                        "p99",
                        "CPU");
            }
            line(
                    text,
                    "  %-28s %9.0f %9.0f %9.0f %9.1f   %-18s %-18s %s",
                    row.way(),
                    Stats.of(row.samples(), FioSample::iops).median(),
                    Stats.of(row.samples(), FioSample::p50Micros).median(),
                    Stats.of(row.samples(), FioSample::p99Micros).median(),
                    Stats.of(row.samples(), FioSample::cpuMicros).median(),
                    spread(row.iopsRatio()),
                    spread(row.p99Ratio()),
                    spread(row.cpuRatio()));
        }
        ways.leftOut().forEach((way, why) -> line(text, "Without %s: %s", way.strip(), why));
    }

    private static String micros(double value) {
        return value == 0 ? "-" : String.format(Locale.ROOT, "%.2f", value);
    }

    private static String bytes(double value) {
        return String.format(Locale.ROOT, "%.1f", value);
    }

    private static String spread(Stats stats) {
        return String.format(
                Locale.ROOT, "%.2f (%.2f-%.2f)", stats.median(), stats.min(), stats.max());
    }

    @com.google.errorprone.annotations.FormatMethod
    private static void line(
            StringBuilder text,
            @com.google.errorprone.annotations.FormatString String format,
            Object... values) {
        text.append(String.format(Locale.ROOT, format, values)).append('\n');
    }
}
