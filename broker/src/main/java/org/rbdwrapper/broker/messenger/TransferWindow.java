package org.rbdwrapper.broker.messenger;

/**
 * How many bytes one channel may have under way at the store: as many as its arena has, however
 * often its requests name the same ones, since a store's client keeps a copy of each write. What is
 * more waits in the ring, as a program may well write one buffer to many places.
 *
 * <p>Completions tell it nothing, so that they cost nothing: it adds what is admitted to a bound,
 * and only where that reaches the arena's length it looks which requests are still under way. That
 * is once for each arena's length of bytes, where a client leaves room.
 *
 * <p>Large transfers are counted for their user, too. Small ones are not: two atomic operations on
 * a cache line that all of a user's messengers write would be felt in a request of 4 KiB, and the
 * arenas, which are counted as memory, bound what they come to.
 *
 * <p>Messenger's thread.
 */
final class TransferWindow {
    /** Bytes from which on a transfer is counted for its user: copying so many takes longer. */
    static final int COUNTED_LENGTH = 64 * 1024;

    private final InFlightRequest[] slots;
    private final int arenaLength;
    private final UserFlow user;
    private final ChannelStall stall;

    /** At least the bytes that are under way. */
    private long bound;

    TransferWindow(InFlightRequest[] slots, int arenaLength, UserFlow user, ChannelStall stall) {
        this.slots = slots;
        this.arenaLength = arenaLength;
        this.user = user;
        this.stall = stall;
    }

    /**
     * Hot path: lets a transfer in, which is then started; or not, and then the stall is opened
     * when it may be tried again.
     *
     * @param length at most the arena's: so a channel without any under way always lets one in.
     */
    boolean admit(long length) {
        if (bound + length > arenaLength && !isRoomFor(length)) {
            return false;
        }
        if (length >= COUNTED_LENGTH && !count(length)) {
            return false;
        }
        bound += length;
        return true;
    }

    private boolean isRoomFor(long length) {
        bound = underWay();
        if (bound + length <= arenaLength) {
            return true;
        }
        stall.close();
        bound = underWay(); // what ended before it could see that
        if (bound + length > arenaLength) {
            return false;
        }
        stall.cancel();
        return true;
    }

    /**
     * A channel without any transfer under way lets one in whatever its user has: so all his
     * channels go on, also beside some whose store does not answer.
     */
    private boolean count(long length) {
        ByteBudget full = user.tryTake(length);
        ByteBudget awaited = null;
        while (full != null) {
            bound = underWay();
            if (bound == 0) {
                user.takeAnyway(length);
                break;
            }
            if (full == awaited) {
                return false;
            }
            awaited = full;
            stall.close();
            stall.await(full);
            full = user.tryTake(length); // what was given back before it could see that
        }
        if (awaited != null) {
            stall.cancel();
        }
        return true;
    }

    private long underWay() {
        long sum = 0;
        for (InFlightRequest slot : slots) {
            sum += slot.bytesUnderWay();
        }
        return sum;
    }
}
