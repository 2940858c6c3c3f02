package org.rbdwrapper.client.history;

/**
 * A broker's end, in ns of CLOCK_MONOTONIC.
 *
 * @param ended not later than the end.
 * @param noticed when all clients that run know of it: what they begin from then on waits for the
 *     next one.
 */
public record Pause(long ended, long noticed) {}
