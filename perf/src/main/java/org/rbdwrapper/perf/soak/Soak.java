package org.rbdwrapper.perf.soak;

import org.rbdwrapper.perf.machine.Environment;
import org.rbdwrapper.perf.machine.ThrowawayCluster;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;

/**
 * One run.
 *
 * <p>One thread.
 */
final class Soak {
    private static final int LOOK_MILLIS = 200;

    private final Environment environment;
    private final Schedule schedule;
    private final ThrowawayCluster cluster;
    private final SoakBroker broker;
    private final Turmoil turmoil = new Turmoil();
    private final Tally tally = new Tally();
    private final List<Quiet> moments = new ArrayList<>();
    private final long began = System.nanoTime();
    private final SplittableRandom random;
    private final Blows blows;
    private final Population population;
    private final HostileNeighbour hostile;
    private final SharedImage shared;
    private final Holdings holdings;
    private double nextReport;

    /**
     * @param onCluster on Ceph instead of the file store.
     */
    Soak(Environment environment, Schedule schedule, boolean onCluster, int clients, long seed)
            throws Exception {
        this.environment = environment;
        this.schedule = schedule;
        this.random = new SplittableRandom(seed);
        List<String> store = new ArrayList<>(List.of("--store", "file"));
        if (onCluster) {
            say("starting a throwaway cluster");
            cluster = ThrowawayCluster.startDurable(environment);
            store = List.of("--store", "ceph:" + cluster.conf(), "--id", "rbdw");
        } else {
            cluster = null;
        }
        broker = environment.cleanup().add(new SoakBroker(environment, store));
        broker.start();
        Administration administration = new Administration(broker, turmoil);
        shared = SharedImage.create(administration, "shared");
        Processes processes =
                environment.cleanup().add(new Processes(environment.scratch().resolve("clients")));
        population =
                new Population(
                        environment,
                        processes,
                        turmoil,
                        administration,
                        shared,
                        tally,
                        clients,
                        schedule.longestClient(),
                        random.nextLong());
        blows = new Blows(broker, cluster, turmoil, random.nextLong());
        hostile =
                environment
                        .cleanup()
                        .add(
                                new HostileNeighbour(
                                        environment, broker, schedule.all(), random.nextLong()));
        holdings = new Holdings(environment.scratch().path(), broker, cluster);
    }

    Verdict run() throws Exception {
        liveLong("first", schedule.firstLife());
        resume();
        goOn(
                "brokers come and go",
                schedule.replacements(),
                schedule.betweenReplacements(),
                blows::replaceBroker);
        // a fresh one, so that it is as old at its quiet moments as the first was
        turmoil.strike(broker::restart);
        pause();
        liveLong("last", schedule.lastLife());
        return new Verdict(
                moments,
                SoakLog.of(broker.stateDir()),
                tally.all() + blows.all() + hostile.attacks());
    }

    /** What happened. */
    String summary() {
        return "clients: "
                + tally
                + "; blows: "
                + blows
                + "; attacks of the hostile user: "
                + hostile.attacks();
    }

    private void resume() throws IOException {
        population.resume();
        hostile.resume();
    }

    private void pause() throws IOException, InterruptedException {
        hostile.pause();
        population.pause();
    }

    /** With clients coming and going, and quiet moments: the first after a minute. */
    private void liveLong(String life, double seconds) throws Exception {
        double left = seconds;
        double next = schedule.firstMinute();
        String when = life + "'s minute";
        for (int i = 2; left > 0; i++) {
            double turn = Math.min(next, left);
            // what would be too short to be a turn of its own belongs to this one
            if (left - turn < schedule.betweenQuiets() / 2) {
                turn = left;
            }
            resume();
            goOn(
                    life + " long life",
                    turn,
                    schedule.betweenClusterBlows(),
                    () -> blows.strikeCluster(population));
            pause();
            moments.add(quiet(when));
            left -= turn;
            next = schedule.betweenQuiets();
            when = life + " " + i;
        }
    }

    private void goOn(String what, double seconds, double between, Turmoil.Step blow)
            throws Exception {
        double end = seconds() + seconds;
        double nextBlow = seconds() + interval(between);
        while (seconds() < end) {
            population.check();
            if (seconds() > nextBlow) {
                blow.run();
                nextBlow = seconds() + interval(between);
            }
            if (seconds() > nextReport) {
                report(what);
                nextReport = seconds() + schedule.betweenReports();
            }
            Thread.sleep(LOOK_MILLIS);
        }
    }

    private double interval(double average) {
        return average * (0.5 + random.nextDouble());
    }

    private Quiet quiet(String when) throws Exception {
        // its first use makes threads and files in the broker, which stay
        Memory memory = Memory.afterCollection(broker.pid(), environment.scratch().path());
        Quiet quiet =
                new Quiet(
                        when,
                        broker.pid(),
                        broker.ageSeconds(),
                        tally.all(),
                        holdings.awaitSteady("shared"),
                        memory);
        say("%5.0f s: quiet, %s: %s".formatted(seconds(), when, brief(quiet)));
        return quiet;
    }

    private static String brief(Quiet quiet) {
        return "%d threads, %d descriptors, RSS %d MiB, live objects %d KiB"
                .formatted(
                        quiet.holdings().get("threads in all"),
                        quiet.holdings().get("descriptors in all"),
                        quiet.memory().rssKib() >> 10,
                        quiet.memory().heapKib());
    }

    private void report(String what) throws IOException {
        say(
                "%5.0f s: %s: broker %d, %.0f s old, RSS %d MiB; %s"
                        .formatted(
                                seconds(),
                                what,
                                broker.pid(),
                                broker.ageSeconds(),
                                Memory.of(broker.pid()).rssKib() >> 10,
                                summary()));
    }

    private double seconds() {
        return (System.nanoTime() - began) / 1e9;
    }

    static void say(String text) {
        System.err.println("soak: " + text);
    }
}
