package org.rbdwrapper.broker.watch;

import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.AppenderBase;

import org.slf4j.LoggerFactory;

import java.util.ArrayList;
import java.util.List;

/** What is logged by one logger. Any thread. */
final class LogLines extends AppenderBase<ILoggingEvent> implements AutoCloseable {
    final Logger logger;
    private final List<String> lines = new ArrayList<>(); // guarded by this

    LogLines(String name) {
        while (!(LoggerFactory.getLogger(name) instanceof Logger)) {
            Thread.onSpinWait(); // another thread makes the first one of all
        }
        logger = (Logger) LoggerFactory.getLogger(name);
        start();
        logger.addAppender(this);
    }

    @Override
    protected synchronized void append(ILoggingEvent event) {
        lines.add(event.getLevel() + " " + event.getFormattedMessage());
    }

    synchronized List<String> all() {
        return List.copyOf(lines);
    }

    List<String> with(String text) {
        return all().stream().filter(line -> line.contains(text)).toList();
    }

    @Override
    public void close() {
        logger.detachAppender(this);
    }
}
