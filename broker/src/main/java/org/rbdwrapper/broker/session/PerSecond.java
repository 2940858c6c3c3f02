package org.rbdwrapper.broker.session;

/** A sum of amounts by the second, for people. One thread. */
final class PerSecond {
    private static final long SECOND_NANOS = 1_000_000_000L;

    private long began;
    private long sum;
    private long before;

    /**
     * @param now of {@link System#nanoTime}, as everywhere here.
     */
    void add(long amount, long now) {
        turn(now);
        sum += amount;
    }

    /** Of the last whole second. */
    long last(long now) {
        turn(now);
        return before;
    }

    private void turn(long now) {
        long passed = now - began;
        if (passed >= SECOND_NANOS) {
            before = passed < 2 * SECOND_NANOS ? sum : 0;
            sum = 0;
            began = now - passed % SECOND_NANOS;
        }
    }
}
