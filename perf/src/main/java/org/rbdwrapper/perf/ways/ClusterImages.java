package org.rbdwrapper.perf.ways;

import org.rbdwrapper.perf.load.FioLoad;
import org.rbdwrapper.perf.load.Job;
import org.rbdwrapper.perf.machine.Environment;
import org.rbdwrapper.perf.machine.ThrowawayCluster;

import java.io.IOException;

/** One image for all that read, and a new one for each load that writes. One thread. */
public final class ClusterImages implements Images {
    private static final String SHARED = "compare-read";

    private final Environment environment;
    private final ThrowawayCluster cluster;
    private int written;
    private boolean shared;

    public ClusterImages(Environment environment, ThrowawayCluster cluster) {
        this.environment = environment;
        this.cluster = cluster;
    }

    @Override
    public String acquire(Job job) throws IOException {
        if (job.writes()) {
            return create("compare-write-" + ++written);
        }
        if (!shared) {
            create(SHARED);
            shared = true;
        }
        return SHARED;
    }

    @Override
    public void release(String image, Job job) throws IOException {
        if (job.writes()) {
            cluster.remove(image);
        }
    }

    private String create(String image) throws IOException {
        cluster.create(image, BYTES);
        FioLoad.fill(environment, cluster.conf(), image, BYTES);
        return image;
    }
}
