package org.rbdwrapper.client.hostile.siege;

import org.rbdwrapper.broker.store.IoCompletion;
import org.rbdwrapper.broker.store.StoreImage;
import org.rbdwrapper.broker.testing.Proxies;
import org.rbdwrapper.ipc.codec.IoOp;

import java.lang.reflect.InvocationHandler;
import java.lang.reflect.Method;

/**
 * An image whose requests, and whose close, wait until its pool is well again.
 *
 * <p>Any thread.
 */
final class SickImage implements InvocationHandler {
    private final StoreImage image;
    private final Sickness sickness;
    private final RequestsWaiting waiting = new RequestsWaiting();

    SickImage(StoreImage image, Sickness sickness) {
        this.image = image;
        this.sickness = sickness;
    }

    @Override
    public Object invoke(Object proxy, Method method, Object[] arguments) throws Throwable {
        if (method.getName().equals("submit") && sickness.isSick()) {
            waiting.add(1);
            sickness.whenWell(() -> submit(arguments));
            return null;
        }
        if (method.getName().equals("close")) {
            sickness.awaitHealth();
            waiting.awaitNone();
        }
        return Proxies.pass(image, method, arguments);
    }

    private void submit(Object... arguments) {
        image.submit(
                (IoOp) arguments[0],
                (long) arguments[1],
                (long) arguments[2],
                (long) arguments[3],
                (IoCompletion) arguments[4]);
        waiting.add(-1);
    }
}
