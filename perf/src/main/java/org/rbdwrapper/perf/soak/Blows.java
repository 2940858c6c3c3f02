package org.rbdwrapper.perf.soak;

import org.rbdwrapper.perf.machine.ThrowawayCluster;

import java.io.IOException;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What is done to the broker and to the cluster meanwhile.
 *
 * <p>One thread.
 */
final class Blows {
    private static final Pattern WATCHER = Pattern.compile("watcher=(\\S+)");

    private final SoakBroker broker;
    private final ThrowawayCluster cluster;
    private final Turmoil turmoil;
    private final SplittableRandom random;
    private final Map<String, Integer> struck = new TreeMap<>();

    /**
     * @param cluster null where there is none.
     */
    Blows(SoakBroker broker, ThrowawayCluster cluster, Turmoil turmoil, long seed) {
        this.broker = broker;
        this.cluster = cluster;
        this.turmoil = turmoil;
        this.random = new SplittableRandom(seed);
    }

    /** Another broker takes the place of this one. */
    void replaceBroker() throws Exception {
        if (random.nextBoolean()) {
            turmoil.strike(
                    () -> {
                        broker.kill();
                        broker.start();
                    });
            count("broker killed");
        } else {
            turmoil.strike(broker::restart);
            count("broker upgraded");
        }
    }

    /** Something happens to the cluster, where there is one; the broker stays. */
    void strikeCluster(Population population) throws Exception {
        if (cluster == null) {
            return;
        }
        int draw = random.nextInt(10);
        if (draw < 5) {
            cluster.killAndStartOsd();
            count("OSD killed");
        } else if (draw < 7) {
            stopFor("osd.0", 3000);
            count("OSD stopped");
        } else if (draw < 9) {
            stopFor("mon.a", 5000);
            count("monitor stopped");
        } else {
            turmoil.strike(() -> blocklistOne(population));
            count("Ceph client blocklisted");
        }
    }

    int all() {
        return struck.values().stream().mapToInt(Integer::intValue).sum();
    }

    private void stopFor(String daemon, int mostMillis) throws Exception {
        cluster.signal(daemon, "STOP");
        try {
            Thread.sleep(random.nextInt(mostMillis));
        } finally {
            cluster.signal(daemon, "CONT");
        }
    }

    /** Who has an image open through it loses it, and nobody else does. */
    private void blocklistOne(Population population) throws Exception {
        String victim = null;
        for (ClientLife life : population.alive()) {
            Matcher watcher = WATCHER.matcher(status(life.image()));
            if (watcher.find() && (victim == null || victim.equals(watcher.group(1)))) {
                victim = watcher.group(1);
                life.mayLose();
            }
        }
        if (victim != null) {
            cluster.ceph("osd", "blocklist", "add", victim, "3600");
        }
    }

    private String status(String image) throws IOException {
        try {
            return cluster.rbd("status", image);
        } catch (IOException e) {
            return ""; // it is not there yet, or no more
        }
    }

    private void count(String what) {
        struck.merge(what, 1, Integer::sum);
    }

    @Override
    public String toString() {
        return struck.toString();
    }
}
