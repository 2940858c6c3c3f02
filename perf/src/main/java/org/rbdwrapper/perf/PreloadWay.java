package org.rbdwrapper.perf;

import java.io.IOException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * This project, under a program that knows nothing of it: psync at depth 1, else libaio.
 *
 * @param client maps the images.
 * @param settings of fio; the broker's were given when it was started.
 */
record PreloadWay(
        String name,
        Path library,
        BrokerProcess broker,
        LoadClient client,
        Map<String, String> settings)
        implements Way {
    @Override
    public void begin(String image) throws IOException {
        client.map(image);
    }

    @Override
    public List<String> options(String image, FioJob job) {
        return List.of(
                job.depth() == 1 ? "--ioengine=psync" : "--ioengine=libaio",
                "--filename=/rbdw/" + image);
    }

    @Override
    public Map<String, String> environment() {
        Map<String, String> environment = new HashMap<>(settings);
        environment.put("LD_PRELOAD", library.toString());
        environment.put("RBDW_RUN_DIR", broker.runDir().toString());
        return environment;
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
