package org.rbdwrapper.broker.store;

import org.rbdwrapper.broker.BrokerOptions;
import org.rbdwrapper.broker.store.ceph.CephStore;
import org.rbdwrapper.broker.store.file.FileStore;
import org.rbdwrapper.broker.store.memory.MemoryStore;
import org.rbdwrapper.ipc.ErrnoException;

import java.nio.file.Path;
import java.util.Map;
import java.util.Objects;

/** Makes the store that the options name. */
public final class Stores {
    private Stores() {}

    /**
     * Sees whether the store would open while another broker uses it, and changes nothing: a
     * cluster is connected to. What that needs is loaded then, which shortens the pause of those
     * who wait for this broker.
     *
     * @throws ErrnoException as {@link #open} or the store's first connection would.
     */
    public static void tryOut(BrokerOptions options) throws ErrnoException {
        StoreSpec spec = options.store();
        if (spec.kind() == StoreSpec.Kind.CEPH) {
            try (ImageStore store = CephStore.open(conf(spec), options.cephId(), Map.of());
                    StoreConnection connection = store.connect("trial")) {
                Objects.requireNonNull(connection);
            }
        }
    }

    public static ImageStore open(BrokerOptions options) throws ErrnoException {
        StoreSpec spec = options.store();
        return switch (spec.kind()) {
            case FILE ->
                    FileStore.open(
                            spec.location().isEmpty()
                                    ? options.stateDir().resolve("images")
                                    : Path.of(spec.location()));
            case MEMORY -> new MemoryStore();
            case CEPH ->
                    CephStore.open(
                            conf(spec),
                            options.cephId(),
                            Map.of(),
                            options.stateDir().resolve("ceph-clients"),
                            options.stateDir().resolve("ceph-times"));
        };
    }

    private static Path conf(StoreSpec spec) {
        return spec.location().isEmpty() ? null : Path.of(spec.location());
    }
}
