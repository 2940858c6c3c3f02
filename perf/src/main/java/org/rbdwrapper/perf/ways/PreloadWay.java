package org.rbdwrapper.perf.ways;

import org.rbdwrapper.perf.load.Job;
import org.rbdwrapper.perf.load.LoadClient;
import org.rbdwrapper.perf.machine.BrokerProcess;
import org.rbdwrapper.perf.machine.Environment;

import java.io.IOException;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * This project, under a program that knows nothing of it.
 *
 * @param client maps the images.
 * @param settings of fio; the broker's were given when it was started.
 */
record PreloadWay(
        WayKind kind,
        Environment environment,
        BrokerProcess broker,
        LoadClient client,
        Map<String, String> settings)
        implements FioWay {
    @Override
    public void begin(String image) throws IOException {
        client.map(image);
    }

    @Override
    public List<String> options(String image, Job job) {
        return List.of("--direct=1", FioWay.engine(job), "--filename=/rbdw/" + image);
    }

    @Override
    public Map<String, String> variables() {
        Map<String, String> variables = new HashMap<>(settings);
        variables.put("LD_PRELOAD", environment.preloadLibrary().toString());
        variables.put("RBDW_RUN_DIR", broker.runDir().toString());
        return variables;
    }

    @Override
    public List<Long> servers() {
        return List.of(broker.pid());
    }

    @Override
    public void end(String image) throws IOException {
        client.unmap(image);
    }
}
