package org.rbdwrapper.broker.testing;

import java.lang.reflect.InvocationHandler;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;

/** Stores, connections and images that pass most of their calls on to other ones. */
public final class Proxies {
    private Proxies() {}

    /** One whose calls the handler answers. */
    public static <T> T of(Class<T> type, InvocationHandler handler) {
        return type.cast(
                Proxy.newProxyInstance(type.getClassLoader(), new Class<?>[] {type}, handler));
    }

    /** Calls it on the other one, and throws what that throws. */
    public static Object pass(Object to, Method method, Object... arguments) throws Throwable {
        try {
            return method.invoke(to, arguments);
        } catch (InvocationTargetException e) {
            throw e.getCause();
        }
    }
}
