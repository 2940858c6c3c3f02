package org.rbdwrapper.broker.watch;

/**
 * A thread that can be stuck in a call. The fields are the watchdog's notes on it, for its thread
 * alone; the methods may be called by any.
 */
abstract class Watched {
    /** The call that it was seen in last. */
    long seenCall = TurnCounter.NONE;

    /** When it was seen in that first, by the watchdog's own time, in nanoseconds. */
    long seenAt;

    /** When that call began, by the host's time, as far as is known. */
    long beganAt;

    /** What it is one of while it is stuck, else null. */
    Stall stall;

    abstract Thread thread();

    /** The number of the call that its thread is in; NONE where it is in none. */
    abstract long call();

    /** When the call that was seen for the first time at this moment began. */
    abstract long beganAt(long now);

    /** What several can be stuck at, so that one line is enough for all of them. */
    abstract String place();

    /** What it does, for people. */
    abstract String what();

    /** Whether nothing is to be seen of it any more. */
    abstract boolean isOver();
}
