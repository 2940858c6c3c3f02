package org.rbdwrapper.broker.testing;

import org.rbdwrapper.broker.store.ImageStore;
import org.rbdwrapper.broker.store.ImageTuning;
import org.rbdwrapper.broker.store.StoreConnection;
import org.rbdwrapper.ipc.ErrnoException;

/** A store that opens its images in whatever way is wanted, and makes nothing of it. */
public record AnyTuningStore(ImageStore store) implements ImageStore {
    @Override
    public String describe() {
        return store.describe();
    }

    @Override
    public StoreConnection connect(String name) throws ErrnoException {
        StoreConnection connection = store.connect(name);
        return Proxies.of(
                StoreConnection.class,
                (proxy, method, arguments) -> {
                    if (method.getName().equals("open") && arguments.length == 3) {
                        arguments[2] = ImageTuning.NONE;
                    }
                    return Proxies.pass(connection, method, arguments);
                });
    }

    @Override
    public void close() {
        store.close();
    }
}
