package org.rbdwrapper.broker;

import java.time.Instant;

/** The time as the protocol has it. */
public final class Clock {
    private Clock() {}

    /** Nanoseconds since the epoch. */
    public static long epochNanos() {
        Instant now = Instant.now();
        return now.getEpochSecond() * 1_000_000_000L + now.getNano();
    }
}
