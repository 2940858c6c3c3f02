package org.rbdwrapper.perf.report;

import org.rbdwrapper.perf.load.Job;
import org.rbdwrapper.perf.measure.Stats;
import org.rbdwrapper.perf.measure.WaySample;
import org.rbdwrapper.perf.parts.PausePart;
import org.rbdwrapper.perf.parts.Row;
import org.rbdwrapper.perf.parts.StoresPart;
import org.rbdwrapper.perf.ways.WayKind;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.ToDoubleFunction;

/** What must hold for a broker to be worth having, beside what a run found. */
final class Bars {
    private static final int MANY_CLIENTS = 16;

    private final Findings findings;
    private final List<Bar> bars = new ArrayList<>();

    private Bars(Findings findings) {
        this.findings = findings;
    }

    static List<Bar> of(Findings findings) {
        Bars bars = new Bars(findings);
        bars.addRequests();
        bars.addOtherWays();
        bars.addCosts();
        bars.addPath();
        bars.addPause("file", 2);
        bars.addPause("ceph", 5);
        return List.copyOf(bars.bars);
    }

    private void addRequests() {
        List<WayKind> both = List.of(WayKind.PRELOAD, WayKind.JAVA);
        both.forEach(way -> iops(Job.READ_1, way, WayKind.IN_PROCESS, 1.0, 1.5));
        iops(Job.READ_1, WayKind.PRELOAD_ASLEEP, WayKind.IN_PROCESS, 0.88, 0.95);
        for (Job job : List.of(Job.READ_16, Job.READ_64)) {
            both.forEach(way -> iops(job, way, WayKind.IN_PROCESS, 0.95, 1.0));
        }
        both.forEach(way -> iops(Job.WRITE_16, way, WayKind.IN_PROCESS, 0.90, 1.0));
        for (Job job : List.of(Job.READ_1M, Job.WRITE_1M)) {
            both.forEach(way -> iops(job, way, WayKind.IN_PROCESS, 1.0, 1.05));
        }
    }

    private void addOtherWays() {
        iops(Job.READ_1, WayKind.PRELOAD, WayKind.QEMU_NBD, 1.4, 2);
        iops(Job.READ_16, WayKind.PRELOAD, WayKind.QEMU_NBD, 1.4, 2);
        iops(Job.READ_64, WayKind.PRELOAD, WayKind.QEMU_NBD, 1.6, 2);
        iops(Job.READ_1, WayKind.PRELOAD, WayKind.RBD_FUSE, 1.2, 2);
        iops(Job.clients(MANY_CLIENTS), WayKind.PRELOAD, WayKind.RBD_FUSE, 1.7, 2);
    }

    private void addCosts() {
        for (WayKind way : List.of(WayKind.PRELOAD, WayKind.JAVA)) {
            bars.add(
                    Bar.atMost(
                            "CPU a request of %s / librbd in fio, %s"
                                    .formatted(label(way), Job.READ_16.name()),
                            1.15,
                            1.0,
                            ratio(Job.READ_16, way, WayKind.IN_PROCESS, WaySample::cpuMicros)));
        }
        Job many = Job.clients(MANY_CLIENTS);
        String suffix = " of all parties / librbd in fio, %d clients".formatted(MANY_CLIENTS);
        bars.add(
                Bar.atMost(
                        "resident memory (PSS)" + suffix,
                        0.40,
                        0.40,
                        ratio(
                                many,
                                WayKind.PRELOAD,
                                WayKind.IN_PROCESS,
                                sample -> sample.footprint().pssKib())));
        bars.add(
                Bar.atMost(
                        "threads" + suffix,
                        0.15,
                        0.15,
                        ratio(
                                many,
                                WayKind.PRELOAD,
                                WayKind.IN_PROCESS,
                                sample -> sample.footprint().threads())));
        double idle = findings.idle() == null ? 0 : findings.idle().broker().percentOfACore();
        bars.add(
                Bar.atMost(
                        "CPU of an idle broker with 16 clients, % of a core",
                        0.5, 0, findings.idle() == null ? null : Stats.of(idle)));
    }

    private void addPath() {
        bars.add(
                Bar.atMost(
                        "round trip of librbdw on the memory store, 64 bytes / a spinning"
                                + " ping-pong",
                        2.0,
                        1.5,
                        findings.memory() == null
                                ? null
                                : findings.memory().libraryRoundTripRatio()));
        bars.add(
                Bar.atMost(
                        "round trip of RbdFile on the memory store, 64 bytes / a spinning"
                                + " ping-pong",
                        2.0,
                        1.5,
                        findings.memory() == null ? null : findings.memory().roundTripRatio()));
        bars.add(
                Bar.atMost(
                        "time added to pread by librbdwrapper.so on the file store / ring round"
                                + " trip",
                        3,
                        2,
                        addedRoundTrips(findings, Job.READ_1, WayKind.PRELOAD_FILE)));
        bars.add(
                Bar.atMost(
                        "wall time of showmapped / rbd ls",
                        3,
                        1.6,
                        findings.commands() == null ? null : findings.commands().ratio()));
    }

    private void addPause(String store, double bar) {
        Stats measured =
                findings.pause() == null
                        ? null
                        : findings.pause().pauses().stream()
                                .filter(pause -> pause.store().equals(store))
                                .map(PausePart.Pause::restartSeconds)
                                .findFirst()
                                .orElse(null);
        bars.add(
                Bar.atMost(
                        "pause of a program while restart runs, %s store, s".formatted(store),
                        bar,
                        bar / 2,
                        measured));
    }

    /** Null where one of the two was not measured. */
    static Stats addedRoundTrips(Findings findings, Job job, WayKind way) {
        if (findings.stores() == null || findings.memory() == null) {
            return null;
        }
        double roundTrip = findings.memory().ringRoundTripMicros().median();
        return findings.stores().added().stream()
                .filter(added -> added.job().equals(job) && added.way() == way)
                .map(StoresPart.Added::micros)
                .map(
                        micros ->
                                new Stats(
                                        micros.median() / roundTrip,
                                        micros.min() / roundTrip,
                                        micros.max() / roundTrip))
                .findFirst()
                .orElse(null);
    }

    private void iops(Job job, WayKind ours, WayKind theirs, double bar, double aim) {
        bars.add(
                Bar.atLeast(
                        "IOPS of %s / %s, %s".formatted(label(ours), label(theirs), job.name()),
                        bar,
                        aim,
                        ratio(job, ours, theirs, WaySample::iops)));
    }

    private static String label(WayKind way) {
        return way == WayKind.PRELOAD_ASLEEP
                ? "librbdwrapper.so with futex waits only"
                : way.label();
    }

    private Stats ratio(Job job, WayKind ours, WayKind theirs, ToDoubleFunction<WaySample> figure) {
        Optional<Row> numerator = find(job, ours);
        Optional<Row> denominator = find(job, theirs);
        return numerator.isPresent() && denominator.isPresent()
                ? Row.ratio(numerator.get().samples(), denominator.get().samples(), figure)
                : null;
    }

    private Optional<Row> find(Job job, WayKind way) {
        List<Row> rows = new ArrayList<>();
        if (findings.ways() != null) {
            rows.addAll(findings.ways().rows());
        }
        if (findings.scaling() != null) {
            rows.addAll(findings.scaling().rows());
        }
        return Row.find(rows, job, way);
    }
}
