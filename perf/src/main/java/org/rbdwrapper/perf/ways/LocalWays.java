package org.rbdwrapper.perf.ways;

import org.rbdwrapper.perf.load.Job;
import org.rbdwrapper.perf.load.LoadClient;
import org.rbdwrapper.perf.load.PageCacheFile;
import org.rbdwrapper.perf.machine.BrokerProcess;
import org.rbdwrapper.perf.machine.Environment;

import java.io.Closeable;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/** Ways without a cluster: a plain file, and the stores of a broker that need none. */
public record LocalWays(List<Closeable> started, List<Way> ways) implements Closeable, Images {
    private static final String IMAGE = "stores";

    public static LocalWays start(Environment environment) throws IOException {
        Path file = environment.scratch().resolve("plain-file");
        PageCacheFile.create(file, BYTES).close();
        BrokerProcess memory = BrokerProcess.start(environment, "mem", "memory");
        LoadClient memoryClient = withImage(environment, memory, "mem");
        BrokerProcess embedded = BrokerProcess.start(environment, "file", "file");
        LoadClient fileClient = withImage(environment, embedded, "file");
        return new LocalWays(
                List.of(memoryClient, fileClient, memory, embedded),
                List.of(
                        new PlainFileWay(environment, file),
                        new PreloadWay(
                                WayKind.PRELOAD_MEMORY,
                                environment,
                                memory,
                                memoryClient,
                                Map.of()),
                        new PreloadWay(
                                WayKind.PRELOAD_FILE,
                                environment,
                                embedded,
                                fileClient,
                                Map.of())));
    }

    private static LoadClient withImage(Environment environment, BrokerProcess broker, String name)
            throws IOException {
        LoadClient client = LoadClient.start(environment, broker.runDir(), name);
        client.create(IMAGE, BYTES);
        String path = client.map(IMAGE);
        client.fill(path);
        client.closeFile(path);
        client.unmap(IMAGE);
        return client;
    }

    /** The only one, full, in each store. */
    @Override
    public String acquire(Job job) {
        return IMAGE;
    }

    @Override
    public void release(String image, Job job) {}

    @Override
    public void close() throws IOException {
        for (Closeable each : started) {
            each.close();
        }
    }
}
