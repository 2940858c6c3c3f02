package org.rbdwrapper.perf;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * The path with a cluster behind it, beside librbd inside the measuring process: 4 KiB random reads
 * of two images that were filled alike, by fio and by us in turns.
 */
final class CephPart {
    private static final String FIO_IMAGE = "compare-fio";
    private static final String OUR_IMAGE = "compare-ours";
    private static final List<Integer> DEPTHS = List.of(1, 16, 64);

    private final Environment environment;
    private final Plan plan;
    private final List<String> fioOptions;

    /**
     * @param fioOptions {@code key=value} of ceph.conf, for fio's librbd alone.
     */
    CephPart(Environment environment, Plan plan, List<String> fioOptions) {
        this.environment = environment;
        this.plan = plan;
        this.fioOptions = fioOptions;
    }

    /**
     * Of one depth; the n-th of fio and the n-th of ours are a pair.
     *
     * @param ratio ours over fio's, of each pair.
     * @param clientBytesPerRequest Java heap: of the reading thread at depth 1, else of the whole
     *     client process.
     */
    record Depth(
            int depth,
            List<Double> fioIops,
            List<Double> ourIops,
            Stats fio,
            Stats ours,
            Stats ratio,
            double clientBytesPerRequest) {}

    /**
     * @param brokerBytesPerRequest Java heap that the broker's threads allocated.
     */
    record Result(List<Depth> depths, double brokerBytesPerRequest) {}

    /** Null where it can run, else what is missing. */
    static String missing(Environment environment) {
        String ceph = ThrowawayCluster.missing(environment);
        return ceph != null ? ceph : FioRun.missing(environment);
    }

    Result run() throws Exception {
        environment.say("ceph part: starting a cluster");
        try (ThrowawayCluster cluster = ThrowawayCluster.start(environment)) {
            FioRun fio = new FioRun(environment, fioConf(cluster), FIO_IMAGE);
            for (String image : List.of(FIO_IMAGE, OUR_IMAGE)) {
                environment.say("ceph part: filling image " + image);
                cluster.create(image, Plan.CEPH_IMAGE_BYTES);
                new FioRun(environment, cluster.conf(), image).fill();
            }
            String store = "ceph:" + cluster.conf();
            try (BrokerProcess broker = BrokerProcess.start(environment, "ceph", store);
                    LoadClient client = LoadClient.start(environment, broker.runDir(), "ceph")) {
                String path = client.map(OUR_IMAGE);
                List<Depth> depths = new ArrayList<>();
                for (int depth : DEPTHS) {
                    depths.add(measure(depth, fio, client, path));
                }
                return new Result(depths, brokerBytesPerRequest(broker, client, path));
            }
        }
    }

    private Depth measure(int depth, FioRun fio, LoadClient client, String path) throws Exception {
        List<Double> fioIops = new ArrayList<>();
        List<Double> ourIops = new ArrayList<>();
        environment.say("ceph part: depth " + depth + ": warming up");
        ours(client, path, depth, plan.warmUpSeconds());
        double allocated = 0;
        for (int pair = 1; pair <= plan.cephPairs(); pair++) {
            double theirs = fio.randomReads(depth, plan.cephSeconds());
            Sample sample = ours(client, path, depth, plan.cephSeconds());
            fioIops.add(theirs);
            ourIops.add(sample.iops());
            allocated = sample.allocatedPerOperation();
            environment.say(
                    String.format(
                            "ceph part: depth %d, pair %d of %d: fio %.0f, ours %.0f IOPS, ratio"
                                    + " %.2f",
                            depth,
                            pair,
                            plan.cephPairs(),
                            theirs,
                            sample.iops(),
                            sample.iops() / theirs));
        }
        return new Depth(
                depth,
                fioIops,
                ourIops,
                Stats.of(fioIops, Double::doubleValue),
                Stats.of(ourIops, Double::doubleValue),
                Stats.ofRatios(ourIops, fioIops),
                allocated);
    }

    private static Sample ours(LoadClient client, String path, int depth, double seconds)
            throws IOException {
        return depth == 1 ? client.sync(path, 1, seconds) : client.async(path, depth, seconds);
    }

    private double brokerBytesPerRequest(BrokerProcess broker, LoadClient client, String path)
            throws IOException {
        environment.say("ceph part: allocation of the broker");
        long before = BrokerAllocation.bytes(environment, broker);
        // the unmeasured beginning of the sample is a fifth of its length
        double requests = ours(client, path, 64, plan.cephSeconds()).operations() * 1.2;
        return (BrokerAllocation.bytes(environment, broker) - before) / requests;
    }

    private Path fioConf(ThrowawayCluster cluster) throws IOException {
        if (fioOptions.isEmpty()) {
            return cluster.conf();
        }
        Path conf = environment.scratch().resolve("fio-ceph.conf");
        String options = "[client]\n" + String.join("\n", fioOptions) + "\n";
        return Files.writeString(conf, Files.readString(cluster.conf()) + options);
    }
}
