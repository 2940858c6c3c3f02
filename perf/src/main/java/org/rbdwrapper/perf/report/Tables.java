package org.rbdwrapper.perf.report;

import static org.rbdwrapper.perf.report.Numbers.fixed;
import static org.rbdwrapper.perf.report.Numbers.micros;
import static org.rbdwrapper.perf.report.Numbers.spread;

import org.rbdwrapper.perf.load.Job;
import org.rbdwrapper.perf.measure.Sample;
import org.rbdwrapper.perf.measure.Stats;
import org.rbdwrapper.perf.measure.WaySample;
import org.rbdwrapper.perf.parts.Row;
import org.rbdwrapper.perf.parts.StoresPart;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The tables of a run, for the terminal and the page alike. */
final class Tables {
    private static final double KIB_PER_MIB = 1024;

    private final Findings findings;
    private final List<Table> tables = new ArrayList<>();

    private Tables(Findings findings) {
        this.findings = findings;
    }

    static List<Table> of(Findings findings) {
        Tables tables = new Tables(findings);
        if (findings.memory() != null) {
            tables.addMemory();
        }
        if (findings.stores() != null) {
            tables.addStores();
        }
        if (findings.pause() != null) {
            tables.addPauses();
        }
        if (findings.ways() != null) {
            tables.addWays();
        }
        if (findings.scaling() != null) {
            tables.addScaling();
        }
        tables.addSingleFigures();
        return tables.tables;
    }

    static Table bars(List<Bar> bars) {
        return new Table(
                "Bars",
                "Median (min-max) of each round's ratio; the median decides.",
                List.of("", "measured", "bar", "aim", ""),
                bars.stream()
                        .map(
                                bar ->
                                        List.of(
                                                bar.what(),
                                                bar.measured() == null
                                                        ? "-"
                                                        : spread(bar.measured()),
                                                bar.limit(bar.bar()),
                                                bar.limit(bar.aim()),
                                                bar.verdict()))
                        .toList());
    }

    private void addMemory() {
        List<List<String>> rows = new ArrayList<>();
        findings.memory()
                .samples()
                .forEach(
                        (kind, samples) ->
                                rows.add(
                                        List.of(
                                                kind,
                                                micros(median(samples, Sample::p50Micros)),
                                                micros(median(samples, Sample::p99Micros)),
                                                micros(median(samples, Sample::p999Micros)),
                                                fixed(median(samples, Sample::iops), 0),
                                                allocated(samples))));
        tables.add(
                new Table(
                        "Memory store, 4 KiB random reads",
                        "Median of %d rounds.".formatted(findings.plan().rounds()),
                        List.of("", "p50 us", "p99 us", "p99.9 us", "IOPS", "B/request"),
                        rows));
        List<List<String>> ratios = new ArrayList<>();
        findings.memory()
                .ratios()
                .forEach((name, ratio) -> ratios.add(List.of(name, spread(ratio))));
        tables.add(
                new Table(
                        "RbdFile with 1 thread over the yardsticks",
                        "",
                        List.of("", "median (min-max)"),
                        ratios));
    }

    private static double median(
            List<Sample> samples, java.util.function.ToDoubleFunction<Sample> figure) {
        return Stats.of(samples, figure).median();
    }

    private static String allocated(List<Sample> samples) {
        double bytes = median(samples, Sample::allocatedPerOperation);
        return bytes < 0 ? "-" : fixed(bytes, 1);
    }

    private void addStores() {
        addLatencies(findings.stores().rows(), "plain file: ", "the plain file's");
        List<List<String>> rows = new ArrayList<>();
        for (StoresPart.Added added : findings.stores().added()) {
            Stats roundTrips = Bars.addedRoundTrips(findings, added.job(), added.way());
            rows.add(
                    List.of(
                            added.job().name() + ": " + added.way().label(),
                            spread(added.micros()),
                            roundTrips == null ? "-" : spread(roundTrips)));
        }
        tables.add(
                new Table(
                        "Time added to that of a plain file",
                        "Difference of the medians of a round; ring round trips by the spinning"
                                + " ping-pong of the memory part.",
                        List.of("", "us", "ring round trips"),
                        rows));
    }

    private void addPauses() {
        tables.add(
                new Table(
                        "Pause of a program that writes, seconds",
                        "The slowest write while the broker is replaced, median (min-max) of %d."
                                .formatted(findings.plan().rounds()),
                        List.of("", "restart", "kill -9 and restart"),
                        findings.pause().pauses().stream()
                                .map(
                                        pause ->
                                                List.of(
                                                        pause.store() + " store",
                                                        spread(pause.restartSeconds()),
                                                        spread(pause.killSeconds())))
                                .toList()));
    }

    private void addWays() {
        String options =
                findings.fioOptions().isEmpty()
                        ? ""
                        : "librbd in fio with " + String.join(", ", findings.fioOptions()) + "; ";
        addLatencies(findings.ways().rows(), options, "librbd's in fio");
    }

    /** A table for each job. */
    private void addLatencies(List<Row> rows, String prefix, String yardstick) {
        Map<Job, List<List<String>>> jobs = new LinkedHashMap<>();
        for (Row row : rows) {
            jobs.computeIfAbsent(row.job(), job -> new ArrayList<>())
                    .add(
                            List.of(
                                    row.way().label(),
                                    fixed(row.figure(WaySample::iops).median(), 0),
                                    micros(row.figure(WaySample::p50Micros).median()),
                                    micros(row.figure(WaySample::p99Micros).median()),
                                    micros(row.figure(WaySample::p999Micros).median()),
                                    micros(cost(row, s -> s.cost().clientCpuMicros())),
                                    micros(cost(row, s -> s.cost().serverCpuMicros())),
                                    fixed(row.figure(WaySample::wakes).median(), 2),
                                    spread(row.ratios().get("iops")),
                                    spread(row.ratios().get("p99")),
                                    spread(row.ratios().get("cpu"))));
        }
        jobs.forEach(
                (job, cells) ->
                        tables.add(
                                new Table(
                                        job.name(),
                                        prefix
                                                + ("CPU and wakes a request; ratios over %s,"
                                                                + " median (min-max) of %d rounds.")
                                                        .formatted(
                                                                yardstick,
                                                                findings.plan().rounds()),
                                        List.of(
                                                "",
                                                "IOPS",
                                                "p50 us",
                                                "p99 us",
                                                "p99.9 us",
                                                "client us",
                                                "server us",
                                                "wakes",
                                                "IOPS ratio",
                                                "p99 ratio",
                                                "CPU ratio"),
                                        cells)));
    }

    private static double cost(Row row, java.util.function.ToDoubleFunction<WaySample> figure) {
        return row.figure(figure).median();
    }

    private void addScaling() {
        List<List<String>> rows = new ArrayList<>();
        for (Row row : findings.scaling().rows()) {
            boolean memory = row.ratios().containsKey("pss");
            rows.add(
                    List.of(
                            "%2d, %s".formatted(row.job().clients(), row.way().label()),
                            fixed(row.figure(WaySample::iops).median(), 0),
                            micros(row.figure(WaySample::p99Micros).median()),
                            micros(row.figure(WaySample::cpuMicros).median()),
                            memory
                                    ? fixed(
                                            row.figure(s -> s.footprint().pssKib()).median()
                                                    / KIB_PER_MIB,
                                            0)
                                    : "-",
                            memory
                                    ? fixed(row.figure(s -> s.footprint().threads()).median(), 0)
                                    : "-",
                            spread(row.ratios().get("iops")),
                            memory ? spread(row.ratios().get("pss")) : "-",
                            memory ? spread(row.ratios().get("threads")) : "-"));
        }
        tables.add(
                new Table(
                        "Client processes, 4 KiB random reads, each one at a time",
                        "CPU a request, PSS and threads of all parties; ratios over librbd's in"
                                + " fio with as many clients.",
                        List.of(
                                "clients",
                                "IOPS",
                                "p99 us",
                                "CPU us",
                                "PSS MiB",
                                "threads",
                                "IOPS ratio",
                                "PSS ratio",
                                "threads ratio"),
                        rows));
    }

    private void addSingleFigures() {
        List<List<String>> rows = new ArrayList<>();
        if (findings.memory() != null) {
            rows.add(
                    List.of(
                            "Java heap a request of the broker, memory store, B",
                            fixed(findings.memory().brokerBytesPerRequest(), 1)));
        }
        if (findings.ways() != null) {
            rows.add(
                    List.of(
                            "Java heap a request of the broker, Ceph, depth 64, B",
                            fixed(findings.ways().brokerBytesPerRequest(), 1)));
        }
        if (findings.idle() != null) {
            rows.add(
                    List.of(
                            "CPU of an idle broker with %d clients, %% of a core"
                                    .formatted(findings.idle().clients()),
                            fixed(findings.idle().broker().percentOfACore(), 3)));
        }
        if (findings.commands() != null) {
            rows.add(
                    List.of(
                            "rbdwrapper-adm showmapped, ms",
                            spread(findings.commands().showmappedMillis())));
            rows.add(List.of("rbd ls, ms", spread(findings.commands().rbdLsMillis())));
        }
        if (!rows.isEmpty()) {
            tables.add(new Table("Beside that", "", List.of("", ""), rows));
        }
    }
}
