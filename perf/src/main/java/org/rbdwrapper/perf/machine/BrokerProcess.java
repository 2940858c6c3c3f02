package org.rbdwrapper.perf.machine;

import java.io.Closeable;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * A broker of the install tree, with its folders in the scratch folder.
 *
 * @param runDir where clients find it.
 */
public record BrokerProcess(Child child, Path runDir) implements Closeable {
    private static final Duration READY_LIMIT = Duration.ofMinutes(1);

    public static BrokerProcess start(Environment environment, String name, String store)
            throws IOException {
        return start(environment, name, store, Map.of());
    }

    /**
     * @param settings more for its environment.
     */
    public static BrokerProcess start(
            Environment environment, String name, String store, Map<String, String> settings)
            throws IOException {
        Map<String, String> all = new HashMap<>(settings);
        all.put("RBDW_JAVA_HOME", System.getProperty("java.home"));
        Path runDir = environment.scratch().resolve(name + ".run");
        Child child =
                Child.start(
                        "the broker " + name,
                        List.of(
                                environment.brokerLauncher().toString(),
                                "start",
                                "--foreground",
                                "--store",
                                store,
                                "--run-dir",
                                runDir.toString(),
                                "--state-dir",
                                environment.scratch().resolve(name + ".state").toString()),
                        all,
                        environment.scratch().resolve(name + ".broker.log"));
        environment.cleanup().add(child);
        child.awaitLine("ready", READY_LIMIT);
        return new BrokerProcess(child, runDir);
    }

    public long pid() {
        return child.process().pid();
    }

    @Override
    public void close() {
        child.close();
    }
}
