package org.rbdwrapper.broker.store.file;

import org.rbdwrapper.broker.LogLimiter;
import org.rbdwrapper.broker.store.IoCompletion;
import org.rbdwrapper.ipc.Errno;
import org.rbdwrapper.ipc.codec.IoOp;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.util.ArrayList;
import java.util.List;

/**
 * A few threads for requests that take long, fair to images: a request waits at its image's place,
 * the places stand in a round, and a thread that is free takes one turn of the first, which goes to
 * the end if it has more. However many requests an image has, another's waits for a turn of each
 * image, and for no queue but its own.
 *
 * <pre>
 *   submit ──▶ place.waiting ──▶ round ──▶ a thread's turn ──▶ completion
 *                    ▲                            │
 *                    └─── what is left of it ◀────┘
 * </pre>
 *
 * A place is in the round, once, while something waits at it and it has fewer threads than it may.
 * Request objects are used again and again: nothing is allocated once as many have been made as are
 * ever waiting.
 *
 * <p>Any thread; the queues are guarded by this object, turns are done without it.
 */
abstract class SlowLane implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(SlowLane.class);

    private final int maxTurns;
    private final List<Thread> threads = new ArrayList<>();
    private final RequestQueue free = new RequestQueue();
    private LanePlace first;
    private LanePlace last;
    private int idleThreads;
    private boolean closed;

    /** Guarded by itself. */
    private final LogLimiter mistakes = new LogLimiter(1, 60_000_000_000L);

    /**
     * @param name of its threads, before their number.
     * @param threadCount at least 1.
     * @param maxTurns threads that one image may have at a time, fewer than there are: however slow
     *     what it asks for is, others find one.
     */
    SlowLane(String name, int threadCount, int maxTurns) {
        this.maxTurns = maxTurns;
        for (int i = 0; i < threadCount; i++) {
            threads.add(Thread.ofPlatform().daemon().name(name + "-" + i).unstarted(this::work));
        }
    }

    /** For the constructor of a lane, at its end. */
    final void start() {
        threads.forEach(Thread::start);
    }

    final void submit(
            OpenFileImage opening,
            IoOp op,
            long address,
            long position,
            long length,
            IoCompletion completion) {
        opening.onSlowStart();
        boolean refused;
        synchronized (this) {
            refused = closed;
            if (!refused) {
                SlowRequest request = free.isEmpty() ? new SlowRequest() : free.poll();
                request.set(opening, op, address, position, length, completion);
                LanePlace place = placeOf(opening.image());
                place.waiting.add(request);
                admit(place);
                wakeOneIfNeeded();
            }
        }
        if (refused) {
            completion.onComplete(-Errno.ESHUTDOWN.number());
            opening.onSlowDone();
        }
    }

    /** Does what has been submitted, then ends. */
    @Override
    public final void close() {
        synchronized (this) {
            closed = true;
            notifyAll();
        }
        boolean interrupted = false;
        for (Thread thread : threads) {
            while (thread.isAlive()) {
                try {
                    thread.join();
                } catch (InterruptedException e) {
                    interrupted = true;
                }
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    /** The image's in this lane. */
    abstract LanePlace placeOf(FileImage image);

    /**
     * With the lane's lock: what the image's next turn does.
     *
     * @param waiting not empty.
     * @return a request, or several that are linked.
     */
    abstract SlowRequest take(RequestQueue waiting);

    /**
     * Without the lock: does what was taken, or a piece of it, and completes all that is over.
     * Throws nothing.
     *
     * @return false where it is one request that goes on in another turn.
     */
    abstract boolean doTurn(SlowRequest taken);

    final void complete(SlowRequest request, long result) {
        try {
            request.complete(result);
        } catch (RuntimeException | Error e) {
            onMistake(request, e); // others need this thread
        }
    }

    /** What is thrown here is a mistake of ours, which a client might be able to repeat. */
    final void onMistake(SlowRequest request, Throwable thrown) {
        synchronized (mistakes) {
            mistakes.run(() -> LOG.error("{} of an image file failed", request.op, thrown));
        }
    }

    private void work() {
        SlowRequest taken = next(null, true);
        while (taken != null) {
            boolean isOver = doTurn(taken);
            taken = next(taken, isOver);
        }
    }

    /**
     * Ends a turn and begins another, when there is one.
     *
     * @param ended null at first.
     * @return null where the lane is closed.
     */
    private synchronized SlowRequest next(SlowRequest ended, boolean isOver) {
        if (ended != null) {
            LanePlace place = placeOf(ended.image());
            place.turns--;
            if (isOver) {
                recycle(ended);
            } else if (ended.isTransfer()) {
                place.waiting.addFirst(ended);
            } else {
                place.waiting.add(ended);
            }
            admit(place);
        }
        while (first == null) {
            if (closed) {
                return null; // whoever is in a turn goes on with what is left of it
            }
            idleThreads++;
            try {
                wait();
            } catch (InterruptedException e) {
                LOG.warn("{} was interrupted, which nobody does", Thread.currentThread().getName());
            } finally {
                idleThreads--;
            }
        }
        LanePlace place = first;
        first = place.next;
        place.inRound = false;
        place.turns++;
        SlowRequest taken = take(place.waiting);
        admit(place);
        wakeOneIfNeeded();
        return taken;
    }

    /** Puts it at the end of the round, where that is due. */
    private void admit(LanePlace place) {
        if (place.inRound || place.waiting.isEmpty() || place.turns >= maxTurns) {
            return;
        }
        place.inRound = true;
        place.next = null;
        if (first == null) {
            first = place;
        } else {
            last.next = place;
        }
        last = place;
    }

    private void wakeOneIfNeeded() {
        if (first != null && idleThreads > 0) {
            notify();
        }
    }

    private void recycle(SlowRequest ended) {
        for (SlowRequest request = ended; request != null; ) {
            SlowRequest following = request.next;
            request.clear();
            free.add(request);
            request = following;
        }
    }
}
