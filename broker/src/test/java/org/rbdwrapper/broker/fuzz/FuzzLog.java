package org.rbdwrapper.broker.fuzz;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.classic.spi.ThrowableProxyUtil;
import ch.qos.logback.core.AppenderBase;

import org.slf4j.LoggerFactory;

import java.util.concurrent.atomic.AtomicReference;

/** The log under a fuzzer: errors only, and the first of them is kept, for nobody handled it. */
public final class FuzzLog {
    private static final AtomicReference<String> FIRST_ERROR = new AtomicReference<>();

    private FuzzLog() {}

    /** From now on, whatever it was before. */
    public static void listen() {
        LoggerContext context = (LoggerContext) LoggerFactory.getILoggerFactory();
        Logger root = context.getLogger(Logger.ROOT_LOGGER_NAME);
        root.setLevel(Level.ERROR);
        Listener listener = new Listener();
        listener.setContext(context);
        listener.start();
        root.addAppender(listener);
    }

    /** Null where nothing was. */
    static String firstError() {
        return FIRST_ERROR.get();
    }

    private static final class Listener extends AppenderBase<ILoggingEvent> {
        @Override
        protected void append(ILoggingEvent event) {
            String stack =
                    event.getThrowableProxy() == null
                            ? ""
                            : "\n" + ThrowableProxyUtil.asString(event.getThrowableProxy());
            FIRST_ERROR.compareAndSet(null, event.getFormattedMessage() + stack);
        }
    }
}
