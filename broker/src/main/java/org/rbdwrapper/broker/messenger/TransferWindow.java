package org.rbdwrapper.broker.messenger;

/**
 * How many bytes one channel may have under way at the store: as many as its arena has, however
 * often its requests name the same ones, since a store's client keeps a copy of each write. What is
 * more waits in the ring, as a program may well write one buffer to many places.
 *
 * <p>Of small transfers it is told nothing when they end, so that they cost nothing: it adds what
 * is admitted to a bound, and only where that has no room left it looks which are still under way.
 * That is once for each arena's length of bytes, where a client leaves room. For large ones that
 * would be at every second or so, and each look finds all the channel's requests cold, since what a
 * transfer moves has taken their place in the caches: they are counted ({@link LargeTransfers}).
 *
 * <p>Large transfers are counted for their user, too. Small ones are not: two atomic operations on
 * a cache line that all of a user's messengers write would be felt in a request of 4 KiB, and the
 * arenas, which are counted as memory, bound what they come to.
 *
 * <p>Messenger's thread.
 */
final class TransferWindow {
    private final InFlightRequest[] slots;
    private final int arenaLength;
    private final LargeTransfers large;
    private final ChannelStall stall;

    /** At least the bytes of small transfers that are under way. */
    private long small;

    TransferWindow(
            InFlightRequest[] slots, int arenaLength, LargeTransfers large, ChannelStall stall) {
        this.slots = slots;
        this.arenaLength = arenaLength;
        this.large = large;
        this.stall = stall;
    }

    /**
     * Hot path: lets a transfer in, which is then started; or not, and then the stall is opened
     * when it may be tried again.
     *
     * @param length at most the arena's: so a channel without any under way always lets one in.
     */
    boolean admit(long length) {
        if (!isRoomFor(length)) {
            return false;
        }
        if (length >= LargeTransfers.MIN_LENGTH) {
            return begin(length);
        }
        small += length;
        return true;
    }

    private boolean isRoomFor(long length) {
        if (mayBeUnderWay() + length <= arenaLength || underWay() + length <= arenaLength) {
            return true;
        }
        stall.close();
        if (underWay() + length > arenaLength) {
            return false;
        }
        stall.cancel(); // what ended before it could see that
        return true;
    }

    /**
     * A channel without any transfer under way lets one in whatever its user has: so all his
     * channels go on, also beside some whose store does not answer.
     */
    private boolean begin(long length) {
        ByteBudget full = large.tryBegin(length);
        ByteBudget awaited = null;
        while (full != null) {
            if (underWay() == 0) {
                large.beginAnyway(length);
                break;
            }
            if (full == awaited) {
                return false;
            }
            awaited = full;
            stall.close();
            stall.await(full);
            full = large.tryBegin(length); // what was given back before it could see that
        }
        if (awaited != null) {
            stall.cancel();
        }
        return true;
    }

    private long mayBeUnderWay() {
        return small + large.underWay();
    }

    private long underWay() {
        if (small > 0) {
            small = 0;
            for (InFlightRequest slot : slots) {
                small += slot.smallBytesUnderWay();
            }
        }
        return mayBeUnderWay();
    }
}
