package org.rbdwrapper.broker.testing;

import org.rbdwrapper.broker.Broker;
import org.rbdwrapper.broker.BrokerOptions;
import org.rbdwrapper.broker.ClientLimits;
import org.rbdwrapper.broker.messenger.MessengerPolicy;
import org.rbdwrapper.broker.store.ImageStore;
import org.rbdwrapper.broker.store.StoreSpec;
import org.rbdwrapper.broker.store.fault.FaultPlan;
import org.rbdwrapper.broker.store.fault.FaultStore;
import org.rbdwrapper.broker.store.memory.MemoryStore;
import org.rbdwrapper.ipc.ErrnoException;

import java.io.IOException;
import java.nio.file.FileVisitOption;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;

/** A real broker inside the test's JVM, with folders of its own that go with it. */
public final class TestBroker implements AutoCloseable {
    private final Path folder;
    private final Broker broker;
    private final BrokerOptions options;

    private TestBroker(Path folder, BrokerOptions options, ImageStore store) throws ErrnoException {
        this.folder = folder;
        this.options = options;
        this.broker = store == null ? Broker.start(options) : Broker.start(options, store);
    }

    /**
     * @param store as {@code --store} has it; {@code ceph} alone: the test cluster.
     */
    public static TestBroker start(String store) throws IOException, InterruptedException {
        return start(
                store, MessengerPolicy.PER_CLIENT, null, BrokerOptions.DEFAULT_HELLO_TIMEOUT_NANOS);
    }

    /** In memory, with faults. */
    public static TestBroker startFaulty(FaultPlan plan) throws IOException, InterruptedException {
        return start(
                "memory",
                MessengerPolicy.PER_CLIENT,
                new FaultStore(new MemoryStore(), plan),
                BrokerOptions.DEFAULT_HELLO_TIMEOUT_NANOS);
    }

    public static TestBroker start(
            String store, MessengerPolicy policy, ImageStore instead, long helloTimeoutNanos)
            throws IOException, InterruptedException {
        // not below the build folder, whose path may be too long for a socket's
        Path folder = Files.createTempDirectory("rbdw-");
        StoreSpec spec =
                store.equals("ceph")
                        ? new StoreSpec(StoreSpec.Kind.CEPH, CephCluster.get().conf().toString())
                        : StoreSpec.parse(store);
        String id = spec.kind() == StoreSpec.Kind.CEPH ? CephCluster.get().id() : "admin";
        BrokerOptions options =
                new BrokerOptions(
                        folder.resolve("run"),
                        folder.resolve("state"),
                        spec,
                        id,
                        policy,
                        4,
                        ClientLimits.defaults(),
                        helloTimeoutNanos);
        return new TestBroker(folder, options, instead);
    }

    public Path runDir() {
        return options.runDir();
    }

    public Path stateDir() {
        return options.stateDir();
    }

    @Override
    public void close() throws IOException {
        broker.close();
        List<Path> paths;
        try (Stream<Path> walk = Files.walk(folder, new FileVisitOption[0])) {
            paths = walk.sorted(Comparator.reverseOrder()).toList();
        }
        for (Path path : paths) {
            Files.delete(path);
        }
    }
}
