package org.rbdwrapper.client.history;

/**
 * A broker's end and the next one's beginning, in ns of CLOCK_MONOTONIC.
 *
 * @param ended not later than the end.
 * @param ready not earlier than the moment from which the next one lets clients in.
 */
public record Pause(long ended, long ready) {}
