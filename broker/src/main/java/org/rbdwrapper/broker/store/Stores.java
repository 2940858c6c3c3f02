package org.rbdwrapper.broker.store;

import org.rbdwrapper.broker.BrokerOptions;
import org.rbdwrapper.broker.store.ceph.CephStore;
import org.rbdwrapper.broker.store.file.FileStore;
import org.rbdwrapper.broker.store.memory.MemoryStore;
import org.rbdwrapper.ipc.ErrnoException;

import java.nio.file.Path;
import java.util.Map;

/** Makes the store that the options name. */
public final class Stores {
    private Stores() {}

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
                            spec.location().isEmpty() ? null : Path.of(spec.location()),
                            options.cephId(),
                            Map.of(),
                            options.stateDir().resolve("ceph-clients"));
        };
    }
}
