package org.rbdwrapper.perf.soak;

import java.util.concurrent.atomic.AtomicInteger;

/**
 * How many clients ended in which way.
 *
 * <p>Any thread.
 */
final class Tally {
    private final AtomicInteger ended = new AtomicInteger();
    private final AtomicInteger killed = new AtomicInteger();
    private final AtomicInteger stopped = new AtomicInteger();
    private final AtomicInteger lost = new AtomicInteger();
    private final AtomicInteger late = new AtomicInteger();

    void ended() {
        ended.incrementAndGet();
    }

    void killed() {
        killed.incrementAndGet();
    }

    /** Stopped and resumed; it ends later. */
    void stopped() {
        stopped.incrementAndGet();
    }

    /** With ESHUTDOWN, as its Ceph client was blocklisted. */
    void lost() {
        lost.incrementAndGet();
    }

    /** With EIO, as it was stopped while others went on with the next broker. */
    void late() {
        late.incrementAndGet();
    }

    int all() {
        return ended.get() + killed.get() + lost.get() + late.get();
    }

    int good() {
        return ended.get();
    }

    @Override
    public String toString() {
        return "%d ended by themselves, %d were killed, %d lost their Ceph client; %d were stopped for a while, %d of them too long"
                .formatted(ended.get(), killed.get(), lost.get(), stopped.get(), late.get());
    }
}
