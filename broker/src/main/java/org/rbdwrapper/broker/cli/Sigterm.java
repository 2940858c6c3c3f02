package org.rbdwrapper.broker.cli;

import java.lang.reflect.Proxy;

/**
 * Ends the program with code 0 where SIGTERM asked for it. By itself a JVM ends with 143, which a
 * supervisor takes for a failure.
 */
final class Sigterm {
    private Sigterm() {}

    /**
     * By reflection: the class is the JDK's only way, but javac warns of its name, and that warning
     * cannot be switched off.
     *
     * @param action runs in a thread of its own, at each SIGTERM.
     */
    static void onReceived(Runnable action) throws ReflectiveOperationException {
        Class<?> signal = Class.forName("sun.misc.Signal");
        Class<?> handler = Class.forName("sun.misc.SignalHandler");
        Object proxy =
                Proxy.newProxyInstance(
                        Sigterm.class.getClassLoader(),
                        new Class<?>[] {handler},
                        (self, method, arguments) -> {
                            if (method.getName().equals("handle")) {
                                action.run();
                            }
                            return null;
                        });
        signal.getMethod("handle", signal, handler)
                .invoke(null, signal.getConstructor(String.class).newInstance("TERM"), proxy);
    }
}
