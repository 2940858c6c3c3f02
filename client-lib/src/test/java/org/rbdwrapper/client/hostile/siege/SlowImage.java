package org.rbdwrapper.client.hostile.siege;

import org.rbdwrapper.broker.store.IoCompletion;
import org.rbdwrapper.broker.store.StoreImage;
import org.rbdwrapper.broker.testing.Proxies;
import org.rbdwrapper.ipc.codec.IoOp;

import java.lang.reflect.InvocationHandler;
import java.lang.reflect.Method;

/**
 * An image whose changes cost its {@link SlowPool} what they cost librbd without an object map: a
 * write its bytes, a discard a request for each object of its range.
 *
 * <p>Any thread.
 */
final class SlowImage implements InvocationHandler {
    private static final long OBJECT = 4L << 20;
    private static final long BYTES_AN_OBJECT = 256;

    private final StoreImage image;
    private final SlowPool pool;
    private final RequestsWaiting waiting = new RequestsWaiting();

    SlowImage(StoreImage image, SlowPool pool) {
        this.image = image;
        this.pool = pool;
    }

    @Override
    public Object invoke(Object proxy, Method method, Object[] arguments) throws Throwable {
        if (method.getName().equals("submit")) {
            submit(
                    (IoOp) arguments[0],
                    (long) arguments[1],
                    (long) arguments[2],
                    (long) arguments[3],
                    (IoCompletion) arguments[4]);
            return null;
        }
        if (method.getName().equals("close")) {
            waiting.awaitNone();
        }
        return Proxies.pass(image, method, arguments);
    }

    private void submit(
            IoOp op, long address, long position, long length, IoCompletion completion) {
        if (op == IoOp.READ || op == IoOp.FLUSH) {
            image.submit(op, address, position, length, completion);
            return;
        }
        waiting.add(1);
        boolean isWrite = op == IoOp.WRITE;
        long bytes = isWrite ? length : Math.max(1, length / OBJECT) * BYTES_AN_OBJECT;
        pool.take(
                bytes,
                isWrite ? address : 0,
                isWrite ? length : 0,
                () -> {
                    image.submit(op, address, position, length, completion);
                    waiting.add(-1);
                });
    }
}
