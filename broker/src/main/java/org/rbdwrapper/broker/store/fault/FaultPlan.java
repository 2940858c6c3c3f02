package org.rbdwrapper.broker.store.fault;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;

/**
 * The faults of a {@link FaultStore}, to be changed while it runs. The first that fits a call
 * befalls it.
 *
 * <p>Any thread.
 */
public final class FaultPlan {
    private final List<Entry> entries = new ArrayList<>(); // guarded by this
    private final Queue<Runnable> held = new ArrayDeque<>(); // guarded by this
    private long befallen; // guarded by this

    public synchronized FaultPlan add(Fault fault) {
        entries.add(new Entry(fault));
        return this;
    }

    /** No more faults; what is held goes on. */
    public void clear() {
        synchronized (this) {
            entries.clear();
        }
        release();
    }

    /** What is held goes on, in order, on this thread; what comes later is held again. */
    public void release() {
        for (Runnable next = nextHeld(); next != null; next = nextHeld()) {
            next.run();
        }
    }

    /** How many calls are held now. */
    public synchronized int heldCount() {
        return held.size();
    }

    /** Blocks until as many calls are held. */
    public synchronized void awaitHeld(int count) throws InterruptedException {
        while (held.size() < count) {
            wait();
        }
    }

    /** How many calls a fault has befallen. */
    public synchronized long befallenCount() {
        return befallen;
    }

    /**
     * The fault that befalls this call, or null.
     *
     * @param what the call is of; null where it is I/O.
     */
    synchronized Fault next(FaultPoint point, Object what, long position, long length) {
        for (Entry entry : entries) {
            if (entry.left > 0 && entry.fault.fits(point, what, position, length)) {
                entry.left--;
                befallen++;
                return entry.fault;
            }
        }
        return null;
    }

    synchronized void hold(Runnable call) {
        held.add(call);
        notifyAll();
    }

    private synchronized Runnable nextHeld() {
        return held.poll();
    }

    /** A fault, and how often it will yet befall a call. */
    private static final class Entry {
        final Fault fault;
        long left;

        Entry(Fault fault) {
            this.fault = fault;
            this.left = fault.times();
        }
    }
}
