package org.rbdwrapper.broker.store.file;

/**
 * What one {@link SlowLane} knows of one image: its requests that wait there, and how many of the
 * lane's threads it has. Guarded by the lane.
 */
final class LanePlace {
    final RequestQueue waiting = new RequestQueue();

    /** Threads that are doing something for it. */
    int turns;

    /** It stands in the lane's round, with {@link #next} after it. */
    boolean inRound;

    LanePlace next;
}
