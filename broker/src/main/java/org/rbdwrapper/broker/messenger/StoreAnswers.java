package org.rbdwrapper.broker.messenger;

import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicLongArray;

/**
 * How the store answers the requests on one image, as far as it does not: which failed, and how
 * many have had no answer for long. What is well costs nothing here.
 *
 * <p>Failures are counted by any thread; all else is the conductor's.
 */
public final class StoreAnswers {
    /** Error numbers from here on are counted as one. */
    private static final int OTHERS = 134;

    private final String image;
    private final AtomicLong failures = new AtomicLong();
    private final AtomicLongArray failuresByErrno = new AtomicLongArray(OTHERS + 1);
    private int unanswered;
    private long oldestNanos;

    public StoreAnswers(String image) {
        this.image = image;
    }

    /** For people: its spec. */
    public String image() {
        return image;
    }

    /**
     * Any thread: the store has answered with an error.
     *
     * @param result negative: an error number, or what else a store may give.
     */
    void onFailure(long result) {
        failuresByErrno.incrementAndGet(result > -OTHERS ? (int) -result : OTHERS);
        failures.incrementAndGet();
    }

    /** Any thread: with whatever error. */
    public long failures() {
        return failures.get();
    }

    /** Any thread. */
    public long failures(int errno) {
        return failuresByErrno.get(errno);
    }

    /** Error numbers are below this. */
    public static int errnoLimit() {
        return OTHERS + 1;
    }

    /** Conductor: before who looks comes by. */
    public void beginLook() {
        unanswered = 0;
        oldestNanos = 0;
    }

    /** Conductor: a request that has been under way for long. */
    void onUnanswered(long ageNanos) {
        unanswered++;
        oldestNanos = Math.max(oldestNanos, ageNanos);
    }

    /** Conductor: how many requests have had no answer for long, at the last look. */
    public int unanswered() {
        return unanswered;
    }

    /** Conductor: for how long the oldest of them has been seen. */
    public long oldestNanos() {
        return oldestNanos;
    }
}
