package org.rbdwrapper.client.hostile;

import org.rbdwrapper.broker.store.ImageRef;
import org.rbdwrapper.broker.store.ImageStore;
import org.rbdwrapper.broker.store.StoreConnection;
import org.rbdwrapper.broker.store.StoreImage;
import org.rbdwrapper.broker.store.memory.MemoryStore;
import org.rbdwrapper.broker.testing.AnyTuningStore;
import org.rbdwrapper.broker.testing.Proxies;
import org.rbdwrapper.ipc.ErrnoException;
import org.rbdwrapper.ipc.ImageSpec;

import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Images in memory, of which one pool does not answer while its gate is shut. Takes any tuning, and
 * makes nothing of it.
 */
final class GatedPoolStore implements ImageStore {
    private static final int ALL = Integer.MAX_VALUE;

    private final ImageStore store = new AnyTuningStore(new MemoryStore());
    private final String pool;
    private final Semaphore gate = new Semaphore(ALL);
    private final AtomicInteger waiting = new AtomicInteger();

    GatedPoolStore(String pool) {
        this.pool = pool;
    }

    void shut() {
        gate.acquireUninterruptibly(ALL);
    }

    void open() {
        gate.release(ALL);
    }

    /** Calls to the pool that have no answer. */
    int waiting() {
        return waiting.get();
    }

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
                    boolean isGated =
                            arguments != null && arguments.length > 0 && isOfPool(arguments[0]);
                    if (isGated) {
                        pass();
                    }
                    Object result = Proxies.pass(connection, method, arguments);
                    return isGated && result instanceof StoreImage image ? gated(image) : result;
                });
    }

    private StoreImage gated(StoreImage image) {
        return Proxies.of(
                StoreImage.class,
                (proxy, method, arguments) -> {
                    if (method.getName().equals("close")) {
                        pass();
                    }
                    return Proxies.pass(image, method, arguments);
                });
    }

    private boolean isOfPool(Object argument) {
        return switch (argument) {
            case ImageSpec spec -> spec.pool().equals(pool);
            case ImageRef ref -> ref.spec().pool().equals(pool);
            default -> argument.equals(pool);
        };
    }

    private void pass() {
        waiting.incrementAndGet();
        gate.acquireUninterruptibly();
        gate.release();
        waiting.decrementAndGet();
    }

    @Override
    public void close() {
        store.close();
    }
}
