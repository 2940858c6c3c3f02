package org.rbdwrapper.perf.report;

import org.rbdwrapper.perf.load.Job;
import org.rbdwrapper.perf.measure.WaySample;
import org.rbdwrapper.perf.parts.Row;
import org.rbdwrapper.perf.report.BarChart.Group;
import org.rbdwrapper.perf.report.LineChart.Axis;
import org.rbdwrapper.perf.report.LineChart.Point;
import org.rbdwrapper.perf.report.LineChart.Series;
import org.rbdwrapper.perf.ways.WayKind;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.function.ToDoubleFunction;

/** The plots of a run. */
final class Charts {
    /** A way has the same colour and mark in all of them. */
    private static final List<WayKind> STYLES = List.of(WayKind.values());

    private Charts() {}

    /**
     * @param title which stands above the drawing.
     */
    record Chart(String title, String svg) {}

    static List<Chart> of(Findings findings) {
        List<Chart> charts = new ArrayList<>();
        if (findings.ways() != null) {
            List<Row> rows = findings.ways().rows();
            for (List<Job> jobs :
                    List.of(
                            List.of(Job.READ_1, Job.READ_16, Job.READ_64),
                            List.of(Job.WRITE_1, Job.WRITE_16, Job.WRITE_64))) {
                addLatency(charts, rows, jobs, "median latency", WaySample::p50Micros);
                addLatency(charts, rows, jobs, "99th percentile of latency", WaySample::p99Micros);
            }
            addCpu(charts, rows);
        }
        if (findings.scaling() != null) {
            addScaling(charts, findings.scaling().rows());
        }
        return charts;
    }

    /** A line for each way, through its depths. */
    private static void addLatency(
            List<Chart> charts,
            List<Row> rows,
            List<Job> jobs,
            String what,
            ToDoubleFunction<WaySample> latency) {
        List<Row> shown = rows.stream().filter(row -> jobs.contains(row.job())).toList();
        if (shown.stream().map(Row::job).distinct().count() < 2) {
            return; // nothing to compare throughput with
        }
        String kind = jobs.getFirst().writes() ? "writes" : "reads";
        String title = "4 KiB random %s: %s against throughput".formatted(kind, what);
        LineChart chart =
                new LineChart(
                        title,
                        new Axis("IOPS", true),
                        new Axis(what + ", µs", true),
                        series(
                                shown,
                                row ->
                                        new Point(
                                                row.figure(WaySample::iops).median(),
                                                row.figure(latency).median(),
                                                "depth " + row.job().depth())));
        charts.add(new Chart(title + "; a point each for depth 1, 16 and 64", chart.toSvg()));
    }

    private static void addScaling(List<Chart> charts, List<Row> rows) {
        String title = "4 KiB random reads: throughput over client processes";
        LineChart chart =
                new LineChart(
                        title,
                        new Axis("client processes, each with one request at a time", false),
                        new Axis("IOPS", false),
                        series(
                                rows,
                                row ->
                                        new Point(
                                                row.job().clients(),
                                                row.figure(WaySample::iops).median(),
                                                "%d clients".formatted(row.job().clients()))));
        charts.add(new Chart(title, chart.toSvg()));
    }

    private static void addCpu(List<Chart> charts, List<Row> rows) {
        Map<Job, List<BarChart.Line>> jobs = new LinkedHashMap<>();
        for (Row row : rows) {
            if (row.job().isRandom()) {
                jobs.computeIfAbsent(row.job(), job -> new ArrayList<>())
                        .add(
                                new BarChart.Line(
                                        row.way().label().strip(),
                                        row.figure(s -> s.cost().clientCpuMicros()).median(),
                                        row.figure(s -> s.cost().serverCpuMicros()).median()));
            }
        }
        List<Group> groups =
                jobs.entrySet().stream()
                        .map(job -> new Group(job.getKey().name(), job.getValue()))
                        .toList();
        String title = "Processor time a request, without the cluster's";
        BarChart chart = new BarChart(title, "µs of a core", "client", "who serves it", groups);
        charts.add(new Chart(title, chart.toSvg()));
    }

    private static List<Series> series(List<Row> rows, Function<Row, Point> point) {
        Map<WayKind, List<Point>> points = new TreeMap<>();
        for (Row row : rows) {
            points.computeIfAbsent(row.way(), way -> new ArrayList<>()).add(point.apply(row));
        }
        return points.entrySet().stream()
                .map(
                        way ->
                                new Series(
                                        way.getKey().label().strip(),
                                        STYLES.indexOf(way.getKey()),
                                        way.getValue()))
                .toList();
    }
}
