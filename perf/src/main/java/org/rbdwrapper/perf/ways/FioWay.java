package org.rbdwrapper.perf.ways;

import org.rbdwrapper.perf.load.FioLoad;
import org.rbdwrapper.perf.load.Job;
import org.rbdwrapper.perf.machine.Environment;
import org.rbdwrapper.perf.measure.RunningLoad;
import org.rbdwrapper.perf.measure.Timeline;

import java.io.IOException;
import java.util.List;
import java.util.Map;

/** A way whose program is fio. */
interface FioWay extends Way {
    Environment environment();

    /** fio's engine and what it needs to find the image. */
    List<String> options(String image, Job job);

    /** More for fio's environment. */
    default Map<String, String> variables() {
        return Map.of();
    }

    /** Synchronous calls where one request is under way, else Linux's asynchronous I/O. */
    static String engine(Job job) {
        return job.depth() == 1 ? "--ioengine=psync" : "--ioengine=libaio";
    }

    @Override
    default RunningLoad start(String image, Job job, Timeline timeline) throws IOException {
        return FioLoad.start(
                environment(),
                kind().label().strip(),
                job,
                options(image, job),
                Images.BYTES,
                timeline,
                variables());
    }
}
