package org.rbdwrapper.broker.messenger;

import java.util.concurrent.atomic.AtomicLong;

/**
 * Bytes that may be under way at the store at a time, and the channels that wait for some of them.
 *
 * <p>Any thread. Taking and giving back are one atomic operation each as long as nobody waits. What
 * is given back opens the channel that has waited longest; whoever was opened so and has taken what
 * it needs opens the next: no completion pays for more than one.
 */
final class ByteBudget {
    private final AtomicLong used = new AtomicLong();
    private volatile boolean areSomeWaiting;

    // under the lock
    private ChannelStall first;
    private ChannelStall last;

    /** Takes so much, if no more than {@code limit} is taken with it. */
    boolean tryTake(long bytes, long limit) {
        long before = used.get();
        while (before + bytes <= limit) {
            long seen = used.compareAndExchange(before, before + bytes);
            if (seen == before) {
                return true;
            }
            before = seen;
        }
        return false;
    }

    /** Takes so much, whatever is taken already. */
    void takeAnyway(long bytes) {
        used.addAndGet(bytes);
    }

    void giveBack(long bytes) {
        used.addAndGet(-bytes);
        if (areSomeWaiting) {
            openNext();
        }
    }

    /** A snapshot. */
    long used() {
        return used.get();
    }

    /**
     * Messenger: the channel is opened in its turn. Who calls it tries to take once more after it,
     * as what was given back before has opened nobody.
     */
    synchronized void await(ChannelStall stall) {
        if (stall.queued) {
            return;
        }
        stall.queued = true;
        stall.previous = last;
        stall.next = null;
        if (last == null) {
            first = stall;
        } else {
            last.next = stall;
        }
        last = stall;
        areSomeWaiting = true;
    }

    /** Messenger, or conductor: the channel waits no more. Where it was opened, the next one is. */
    void leave(ChannelStall stall) {
        synchronized (this) {
            if (stall.queued) {
                unlink(stall);
                return;
            }
        }
        openNext();
    }

    /** With the lock held to the end: who leaves is not opened any more when it has left. */
    private synchronized void openNext() {
        ChannelStall next = first;
        if (next != null) {
            unlink(next);
            next.open();
        }
    }

    private void unlink(ChannelStall stall) {
        stall.queued = false;
        if (stall.previous == null) {
            first = stall.next;
        } else {
            stall.previous.next = stall.next;
        }
        if (stall.next == null) {
            last = stall.previous;
        } else {
            stall.next.previous = stall.previous;
        }
        stall.previous = null;
        stall.next = null;
        areSomeWaiting = first != null;
    }
}
