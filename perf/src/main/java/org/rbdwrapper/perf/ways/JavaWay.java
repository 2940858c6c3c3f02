package org.rbdwrapper.perf.ways;

import org.rbdwrapper.perf.load.Job;
import org.rbdwrapper.perf.load.LoadClient;
import org.rbdwrapper.perf.machine.BrokerProcess;
import org.rbdwrapper.perf.measure.RunningLoad;
import org.rbdwrapper.perf.measure.Timeline;

import java.io.IOException;
import java.util.List;

/** This project, from a Java program. */
record JavaWay(BrokerProcess broker, LoadClient client) implements Way {
    private static final String FOLDER = "/rbdw/";

    @Override
    public WayKind kind() {
        return WayKind.JAVA;
    }

    @Override
    public boolean does(Job job) {
        return job.clients() == 1;
    }

    @Override
    public boolean warmsUp() {
        return true;
    }

    @Override
    public void begin(String image) throws IOException {
        client.map(image);
    }

    @Override
    public RunningLoad start(String image, Job job, Timeline timeline) throws IOException {
        return client.start(FOLDER + image, job, 1, timeline);
    }

    @Override
    public List<Long> servers() {
        return List.of(broker.pid());
    }

    @Override
    public void end(String image) throws IOException {
        client.closeFile(FOLDER + image);
        client.unmap(image);
    }
}
