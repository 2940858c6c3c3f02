package org.rbdwrapper.client.hostile;

import org.rbdwrapper.broker.store.ImageRef;
import org.rbdwrapper.broker.store.ImageStore;
import org.rbdwrapper.broker.store.ImageTuning;
import org.rbdwrapper.broker.store.StoreConnection;
import org.rbdwrapper.broker.store.StoreImage;
import org.rbdwrapper.broker.store.memory.MemoryStore;
import org.rbdwrapper.ipc.ErrnoException;
import org.rbdwrapper.ipc.ImageSpec;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Images in memory, of which one pool does not answer while its gate is shut. Takes any tuning, and
 * makes nothing of it.
 */
final class GatedPoolStore implements ImageStore {
    private static final int ALL = Integer.MAX_VALUE;

    private final ImageStore store = new MemoryStore();
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
        return gated(
                StoreConnection.class,
                (method, arguments) -> {
                    if (arguments != null && arguments.length > 0 && isOfPool(arguments[0])) {
                        pass();
                    }
                    if (method.getName().equals("open") && arguments.length == 3) {
                        arguments[2] = ImageTuning.NONE; // which is all that this store has
                    }
                    Object result = method.invoke(connection, arguments);
                    return result instanceof StoreImage image && isOfPool(arguments[0])
                            ? gated(StoreImage.class, (m, a) -> ofImage(image, m, a))
                            : result;
                });
    }

    private Object ofImage(StoreImage image, Method method, Object[] arguments)
            throws ReflectiveOperationException {
        if (method.getName().equals("close")) {
            pass();
        }
        return method.invoke(image, arguments);
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

    private interface Call {
        Object on(Method method, Object[] arguments) throws ReflectiveOperationException;
    }

    private static <T> T gated(Class<T> type, Call call) {
        return type.cast(
                Proxy.newProxyInstance(
                        type.getClassLoader(),
                        new Class<?>[] {type},
                        (proxy, method, arguments) -> {
                            try {
                                return call.on(method, arguments);
                            } catch (InvocationTargetException e) {
                                throw e.getCause();
                            }
                        }));
    }
}
