package org.rbdwrapper.perf.machine;

import java.util.ArrayDeque;
import java.util.Deque;

/**
 * What was started and must be ended, whichever way the program ends: the last first. Closed by the
 * program, and by a shutdown hook when a signal ends it.
 *
 * <p>Any thread.
 */
public final class Cleanup implements AutoCloseable {
    private final Deque<AutoCloseable> started = new ArrayDeque<>();
    private boolean closed;

    /** Also ends everything on SIGINT, SIGTERM and SIGHUP. */
    public static Cleanup withShutdownHook() {
        Cleanup cleanup = new Cleanup();
        Runtime.getRuntime()
                .addShutdownHook(Thread.ofPlatform().name("cleanup").unstarted(cleanup::close));
        return cleanup;
    }

    /**
     * @throws IllegalStateException where everything is being ended; the new one is ended, too.
     */
    public <T extends AutoCloseable> T add(T resource) {
        synchronized (started) {
            if (!closed) {
                started.push(resource);
                return resource;
            }
        }
        end(resource);
        throw new IllegalStateException("the program is ending");
    }

    public boolean isClosed() {
        synchronized (started) {
            return closed;
        }
    }

    /** A second caller returns when the first is done: the JVM must not halt halfway. */
    @Override
    public synchronized void close() {
        while (true) {
            AutoCloseable next;
            synchronized (started) {
                closed = true;
                next = started.poll();
            }
            if (next == null) {
                return;
            }
            end(next);
        }
    }

    /** A failure must not keep the rest from being ended. */
    private static void end(AutoCloseable resource) {
        try {
            resource.close();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (Exception e) {
            System.err.println(resource + " could not be ended: " + e);
        }
    }
}
