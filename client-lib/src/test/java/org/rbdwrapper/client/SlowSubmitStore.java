package org.rbdwrapper.client;

import org.rbdwrapper.broker.store.ImageStore;
import org.rbdwrapper.broker.store.IoCompletion;
import org.rbdwrapper.broker.store.StoreConnection;
import org.rbdwrapper.broker.store.StoreImage;
import org.rbdwrapper.broker.store.memory.MemoryStore;
import org.rbdwrapper.ipc.ErrnoException;
import org.rbdwrapper.ipc.codec.IoOp;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.util.concurrent.locks.LockSupport;

/**
 * Images in memory whose every request keeps the messenger for a millisecond, as a connection does
 * that is at its limit: two clients saturate a messenger, and cores stay idle.
 */
final class SlowSubmitStore implements ImageStore {
    private static final long SUBMIT_NANOS = 1_000_000;

    private final MemoryStore store = new MemoryStore();

    @Override
    public String describe() {
        return "slow:" + store.describe();
    }

    @Override
    public StoreConnection connect(String name) throws ErrnoException {
        StoreConnection connection = store.connect(name);
        return (StoreConnection)
                Proxy.newProxyInstance(
                        StoreConnection.class.getClassLoader(),
                        new Class<?>[] {StoreConnection.class},
                        (proxy, method, arguments) -> {
                            try {
                                Object result = method.invoke(connection, arguments);
                                return result instanceof StoreImage image
                                        ? new SlowImage(image)
                                        : result;
                            } catch (InvocationTargetException e) {
                                throw e.getCause();
                            }
                        });
    }

    @Override
    public void close() {
        store.close();
    }

    /** Passes everything on, requests late. */
    private record SlowImage(StoreImage image) implements StoreImage {
        @Override
        public long size() {
            return image.size();
        }

        @Override
        public int objectSize() {
            return image.objectSize();
        }

        @Override
        public String imageId() {
            return image.imageId();
        }

        @Override
        public void submit(
                IoOp op, long address, long position, long length, IoCompletion completion) {
            LockSupport.parkNanos(SUBMIT_NANOS);
            image.submit(op, address, position, length, completion);
        }

        @Override
        public void close() throws ErrnoException {
            image.close();
        }
    }
}
