package org.rbdwrapper.broker.messenger;

import java.util.concurrent.atomic.AtomicLong;

/**
 * Bytes that one channel's large transfers have under way, counted as they begin and end: also for
 * their user. Of a transfer that takes so long two atomic additions are not felt.
 *
 * <p>They begin on the messenger's thread and end on any.
 */
final class LargeTransfers {
    /** Bytes from which on a transfer is large. */
    static final int MIN_LENGTH = 64 * 1024;

    private final UserFlow user;
    private final AtomicLong ended = new AtomicLong();
    private long begun;

    LargeTransfers(UserFlow user) {
        this.user = user;
    }

    /** Messenger: the budget in which there is no room for it; null: it has begun. */
    ByteBudget tryBegin(long length) {
        ByteBudget full = user.tryTake(length);
        if (full == null) {
            begun += length;
        }
        return full;
    }

    /** Messenger: whatever its user has. */
    void beginAnyway(long length) {
        user.takeAnyway(length);
        begun += length;
    }

    /** Any thread. */
    void end(long length) {
        user.giveBack(length);
        ended.addAndGet(length);
    }

    /** Messenger: at least the bytes that are under way now. */
    long underWay() {
        return begun - ended.get();
    }
}
