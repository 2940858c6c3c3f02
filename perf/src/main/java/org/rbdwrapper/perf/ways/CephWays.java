package org.rbdwrapper.perf.ways;

import org.rbdwrapper.perf.load.LoadClient;
import org.rbdwrapper.perf.load.NativeProgram;
import org.rbdwrapper.perf.machine.BrokerProcess;
import org.rbdwrapper.perf.machine.Environment;
import org.rbdwrapper.perf.machine.ThrowawayCluster;

import java.io.Closeable;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A cluster, brokers on it, and every way to its images that this machine has.
 *
 * @param broker with default settings.
 * @param leftOut ways that this machine does not have, and why.
 */
public record CephWays(
        ThrowawayCluster cluster,
        BrokerProcess broker,
        List<Closeable> started,
        List<Way> ways,
        Map<WayKind, String> leftOut,
        Images images)
        implements Closeable {
    private static final Map<String, String> ASLEEP = Map.of("RBDW_SPIN", "off");

    /**
     * @param fioOptions {@code key=value} of ceph.conf, for fio's librbd alone.
     */
    public static CephWays start(Environment environment, List<String> fioOptions)
            throws IOException {
        environment.say("starting a cluster and brokers on it");
        ThrowawayCluster cluster = ThrowawayCluster.start(environment);
        String store = "ceph:" + cluster.conf();
        BrokerProcess broker = BrokerProcess.start(environment, "ways", store);
        LoadClient client = LoadClient.start(environment, broker.runDir(), "ways");
        BrokerProcess asleep = BrokerProcess.start(environment, "asleep", store, ASLEEP);
        LoadClient asleepClient = LoadClient.start(environment, asleep.runDir(), "asleep");
        List<Way> all =
                List.of(
                        new InProcessWay(environment, fioConf(environment, cluster, fioOptions)),
                        new SpinningWay(new NativeProgram(environment, "spinning_reads"), cluster),
                        new JavaWay(broker, client),
                        new PreloadWay(WayKind.PRELOAD, environment, broker, client, Map.of()),
                        new PreloadWay(
                                WayKind.PRELOAD_ASLEEP, environment, asleep, asleepClient, ASLEEP),
                        new QemuNbdWay(environment, cluster),
                        new RbdFuseWay(environment, cluster));
        Map<WayKind, String> leftOut = new LinkedHashMap<>();
        List<Way> ways = new ArrayList<>();
        for (Way way : all) {
            if (way.missing().isEmpty()) {
                ways.add(way);
            } else {
                leftOut.put(way.kind(), way.missing());
                environment.say("without " + way.kind().label().strip() + ": " + way.missing());
            }
        }
        return new CephWays(
                cluster,
                broker,
                List.of(client, asleepClient, broker, asleep, cluster),
                ways,
                leftOut,
                new ClusterImages(environment, cluster));
    }

    private static Path fioConf(
            Environment environment, ThrowawayCluster cluster, List<String> options)
            throws IOException {
        if (options.isEmpty()) {
            return cluster.conf();
        }
        Path conf = environment.scratch().resolve("fio-ceph.conf");
        String more = "[client]\n" + String.join("\n", options) + "\n";
        return Files.writeString(conf, Files.readString(cluster.conf()) + more);
    }

    /** Ends all of it. Where the start failed, the environment's clean-up does. */
    @Override
    public void close() throws IOException {
        for (Closeable each : started) {
            each.close();
        }
    }
}
