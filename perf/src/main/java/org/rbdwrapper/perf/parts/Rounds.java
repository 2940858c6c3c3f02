package org.rbdwrapper.perf.parts;

import org.rbdwrapper.perf.load.Job;
import org.rbdwrapper.perf.machine.Environment;
import org.rbdwrapper.perf.measure.Meter;
import org.rbdwrapper.perf.measure.Timeline;
import org.rbdwrapper.perf.measure.WaySample;
import org.rbdwrapper.perf.ways.Images;
import org.rbdwrapper.perf.ways.Way;

import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Runs each job through its ways in turns: each round through all of them, so that what slows the
 * machine for a while slows all, and each figure stands beside the yardstick's of the same round.
 */
record Rounds(Environment environment, Plan plan, Images images) {
    /**
     * @param ways of which the first is the yardstick.
     */
    List<Row> run(String part, List<Turn> turns, List<Way> ways) throws IOException {
        Progress progress = new Progress(environment, part, turns.size() * plan.rounds());
        List<Row> rows = new ArrayList<>();
        for (Turn turn : turns) {
            Job job = turn.job();
            List<Way> able =
                    ways.stream()
                            .filter(way -> turn.ways().contains(way.kind()) && way.does(job))
                            .toList();
            rows.addAll(measure(job, able, progress));
        }
        return rows;
    }

    private List<Row> measure(Job job, List<Way> ways, Progress progress) throws IOException {
        Map<Way, List<WaySample>> samples = new LinkedHashMap<>();
        for (int round = 1; round <= plan.rounds(); round++) {
            progress.step("%s, round %d of %d".formatted(job.name(), round, plan.rounds()));
            for (int i = 0; i < ways.size(); i++) {
                // each round begins with another one
                Way way = ways.get((i + round) % ways.size());
                samples.computeIfAbsent(way, w -> new ArrayList<>())
                        .add(sample(way, job, round == 1 && way.warmsUp()));
            }
        }
        List<WaySample> yardstick = samples.get(ways.getFirst());
        return ways.stream()
                .map(way -> Row.of(job, way.kind(), samples.get(way), yardstick))
                .toList();
    }

    private WaySample sample(Way way, Job job, boolean warmUp) throws IOException {
        String image = images.acquire(job);
        way.begin(image);
        WaySample sample;
        try {
            if (warmUp) {
                way.start(image, job, new Timeline(0, plan.warmUpSeconds())).await();
            }
            Timeline timeline = Timeline.of(plan.seconds());
            sample =
                    Meter.measure(
                            way.start(image, job, timeline),
                            way.servers(),
                            timeline,
                            job.clients() > 1);
        } finally {
            way.end(image);
        }
        images.release(image, job);
        return sample;
    }
}
