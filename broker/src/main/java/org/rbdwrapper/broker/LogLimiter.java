package org.rbdwrapper.broker;

/**
 * Lets so many log lines through in a time and drops the rest: what a client can cause, it cannot
 * flood. One thread.
 */
public final class LogLimiter {
    private final int limit;
    private final long intervalNanos;
    private long intervalStart = System.nanoTime();
    private int inInterval;

    public LogLimiter(int limit, long intervalNanos) {
        this.limit = limit;
        this.intervalNanos = intervalNanos;
    }

    public void run(Runnable log) {
        long now = System.nanoTime();
        if (now - intervalStart > intervalNanos) {
            intervalStart = now;
            inInterval = 0;
        }
        if (inInterval++ < limit) {
            log.run();
        }
    }
}
