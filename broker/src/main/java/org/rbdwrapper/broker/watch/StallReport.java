package org.rbdwrapper.broker.watch;

/**
 * What has been stuck for over a second, for people.
 *
 * @param thread the name of one that is in it.
 * @param threads how many are, at least 1.
 * @param what it does.
 * @param beganAt of {@link System#nanoTime}: about when it began.
 */
public record StallReport(String thread, int threads, String what, long beganAt) {
    /** Milliseconds, until now. */
    public long millis(long now) {
        return Math.max(0, (now - beganAt) / 1_000_000);
    }
}
