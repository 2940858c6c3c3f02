package org.rbdwrapper.broker.messenger;

/**
 * Whether a channel waits for room: its next request is taken when bytes under way have ended. And
 * whether it waits for nothing any more, as its session has ended.
 *
 * <p>The messenger closes it and then looks once more; any thread that has ended a request of the
 * channel opens it, and that wakes the messenger. Both stores and both loads are volatile, so that
 * one of the two sees the other.
 */
final class ChannelStall {
    private volatile boolean closed;
    private volatile boolean gone;

    // messenger; at the end conductor
    private Runnable wake = ChannelStall::wakeNobody;
    private ByteBudget awaited;

    // of ByteBudget, under its lock
    ChannelStall previous;
    ChannelStall next;
    boolean queued;

    private static void wakeNobody() {
        // nobody looks at it yet
    }

    /**
     * Messenger, before the first request.
     *
     * @param newWake any thread may run it: the messenger looks at the channel again.
     */
    void wakeBy(Runnable newWake) {
        wake = newWake;
    }

    /** Any thread; hot path. */
    boolean isClosed() {
        return closed;
    }

    /** Messenger: from now on whatever ends opens it. */
    void close() {
        closed = true;
    }

    /** Messenger: it waits no more. */
    void cancel() {
        closed = false;
        leave();
    }

    /** Any thread, before the last request of the session is counted as done. */
    void open() {
        closed = false;
        wake.run();
    }

    /** Messenger, after {@link #close}: this budget opens it, too. */
    void await(ByteBudget budget) {
        if (awaited != budget) {
            leave();
            awaited = budget;
        }
        budget.await(this);
    }

    /** Messenger: no more requests of it are taken, and nobody reads answers. */
    void end() {
        gone = true;
        leave();
    }

    /** Any thread: after {@link #end}. */
    boolean isGone() {
        return gone;
    }

    /** Messenger, or conductor: no budget opens it any more. */
    void leave() {
        ByteBudget left = awaited;
        if (left != null) {
            awaited = null;
            left.leave(this);
        }
    }
}
