package org.rbdwrapper.broker.messenger;

/**
 * What one user has under way at the store, over all his sessions and their messengers: bytes of
 * large transfers, and objects of long changes. Any thread, but for what is said to be of {@link
 * FlowControl}.
 */
final class UserFlow {
    final int uid;
    final UserChanges changes = new UserChanges();
    private final LongChanges longChanges;
    private final ByteBudget own = new ByteBudget();
    private final ByteBudget total;
    private final long ownLimit;
    private final long totalLimit;

    /** Of {@link FlowControl}, with its lock. */
    int sessions;

    /**
     * @param ownLimit bytes that the user may have under way.
     * @param total of all users.
     * @param totalLimit bytes of all users up to which this one finds room.
     */
    UserFlow(int uid, long ownLimit, ByteBudget total, long totalLimit, LongChanges longChanges) {
        this.uid = uid;
        this.ownLimit = ownLimit;
        this.total = total;
        this.totalLimit = totalLimit;
        this.longChanges = longChanges;
    }

    /** Takes so much, or says by which budget there is no room for it. */
    ByteBudget tryTake(long bytes) {
        if (!own.tryTake(bytes, ownLimit)) {
            return own;
        }
        if (!total.tryTake(bytes, totalLimit)) {
            own.giveBack(bytes);
            return total;
        }
        return null;
    }

    void takeAnyway(long bytes) {
        own.takeAnyway(bytes);
        total.takeAnyway(bytes);
    }

    void giveBack(long bytes) {
        total.giveBack(bytes);
        own.giveBack(bytes);
    }

    /** Bytes; a snapshot. */
    long bytes() {
        return own.used();
    }

    LongChanges longChanges() {
        return longChanges;
    }
}
