package org.rbdwrapper.client.hostile.siege;

import org.rbdwrapper.broker.store.ImageRef;
import org.rbdwrapper.broker.store.ImageStore;
import org.rbdwrapper.broker.store.StoreConnection;
import org.rbdwrapper.broker.store.StoreImage;
import org.rbdwrapper.broker.testing.Proxies;
import org.rbdwrapper.ipc.ErrnoException;
import org.rbdwrapper.ipc.ImageSpec;

import java.lang.reflect.InvocationHandler;

/**
 * A store two of whose pools are as a cluster's may become. Pool {@value #SICK} answers nothing, be
 * it a call or a request of an image, as long as a file says so. Pool {@value #SLOW} copies what it
 * is given to write and takes its time over it: see {@link SlowImage}. All other pools are the
 * store's own, without a step more.
 *
 * <p>Any thread.
 */
record BesiegedStore(ImageStore store, Sickness sickness, SlowPool slow) implements ImageStore {
    static final String SICK = "sick";
    static final String SLOW = "slow";

    @Override
    public String describe() {
        return store.describe();
    }

    @Override
    public StoreConnection connect(String name) throws ErrnoException {
        StoreConnection connection = store.connect(name);
        InvocationHandler handler =
                (proxy, method, arguments) -> {
                    String pool = poolOf(arguments);
                    if (pool.equals(SICK)) {
                        sickness.awaitHealth();
                    }
                    Object result = Proxies.pass(connection, method, arguments);
                    if (result instanceof StoreImage image) {
                        return wrap(image, pool);
                    }
                    return result;
                };
        return Proxies.of(StoreConnection.class, handler);
    }

    private StoreImage wrap(StoreImage image, String pool) {
        return switch (pool) {
            case SICK -> Proxies.of(StoreImage.class, new SickImage(image, sickness));
            case SLOW -> Proxies.of(StoreImage.class, new SlowImage(image, slow));
            default -> image;
        };
    }

    private static String poolOf(Object[] arguments) {
        if (arguments != null && arguments.length > 0) {
            if (arguments[0] instanceof ImageSpec spec) {
                return spec.pool();
            }
            if (arguments[0] instanceof ImageRef ref) {
                return ref.spec().pool();
            }
            if (arguments[0] instanceof String pool) {
                return pool;
            }
        }
        return "";
    }

    @Override
    public void close() {
        sickness.close();
        slow.close();
        store.close();
    }
}
