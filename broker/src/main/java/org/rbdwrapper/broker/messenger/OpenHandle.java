package org.rbdwrapper.broker.messenger;

import static org.rbdwrapper.broker.messenger.RequestLedger.CHANGED_OFFSET;
import static org.rbdwrapper.broker.messenger.RequestLedger.COMPLETED_OFFSET;
import static org.rbdwrapper.broker.messenger.RequestLedger.FLUSHED_OFFSET;
import static org.rbdwrapper.broker.messenger.RequestLedger.SUBMITTED_OFFSET;

import org.agrona.concurrent.AtomicBuffer;
import org.rbdwrapper.broker.store.StoreImage;

import java.util.concurrent.atomic.AtomicLong;

/**
 * One open of one image by one session.
 *
 * <p>Owned by the session's messenger, whose thread alone sees {@link #image}, submits and retires.
 * Completions come on any thread and touch only {@link #onRequestDone}. The number of requests in
 * flight is the difference of two counters, each of which is written by one side.
 *
 * <p>A handle is drained when it is retired and the last of its requests has written its response:
 * then nothing in the broker touches the session's segment on its behalf any more.
 */
public final class OpenHandle {
    private static final long NOT_RETIRED = -1;

    private final int handle;
    private final boolean readable;
    private final boolean writable;
    private final boolean cached;
    private final AtomicBuffer counters;
    private final long countedBefore;
    private final AtomicLong drainAt = new AtomicLong(NOT_RETIRED);
    private final ChangeCounter changes;
    private final StoreAnswers answers;
    private StoreImage image;
    private final LogicalEnds ends;
    private LogicalEnd end; // which it holds; with the lock of ends
    private volatile boolean revoked;
    private volatile Runnable onDrained;

    /**
     * @param cached changes may be lost with the broker until they are flushed.
     * @param image where requests go; {@link #moveTo} changes it.
     * @param changes of the image.
     * @param answers of the image.
     * @param ends of the image.
     * @param counters of {@link RequestLedger#countersOf}.
     */
    public OpenHandle(
            int handle,
            boolean readable,
            boolean writable,
            boolean cached,
            StoreImage image,
            ChangeCounter changes,
            StoreAnswers answers,
            LogicalEnds ends,
            AtomicBuffer counters) {
        this.handle = handle;
        this.readable = readable;
        this.writable = writable;
        this.cached = cached;
        this.image = image;
        this.changes = changes;
        this.answers = answers;
        this.ends = ends;
        this.counters = counters;
        this.countedBefore = counters.getLong(SUBMITTED_OFFSET);
    }

    /** The number that the client uses. */
    public int handle() {
        return handle;
    }

    public boolean readable() {
        return readable;
    }

    public boolean writable() {
        return writable;
    }

    /** Messenger only: where requests go now. */
    StoreImage image() {
        return image;
    }

    /**
     * Messenger only: from now on requests go to another instance of the same image.
     *
     * @throws IllegalStateException where it may be written through.
     */
    public void moveTo(StoreImage instance) {
        if (writable) {
            // pieces of a long change go to the instance that it began on, which then may be closed
            throw new IllegalStateException("a writer's requests go where its image is written");
        }
        image = instance;
    }

    /** Of the image. */
    LogicalEnds ends() {
        return ends;
    }

    /** With the lock of {@link #ends}: its open was truncated. */
    void hold(LogicalEnd newEnd) {
        if (end != newEnd) {
            if (end != null) {
                end.release();
            }
            newEnd.hold();
            end = newEnd;
        }
    }

    /** With the lock of {@link #ends}: the end that it held, and holds no more; or null. */
    LogicalEnd takeEnd() {
        LogicalEnd held = end;
        end = null;
        return held;
    }

    /**
     * Any thread: the image was unmapped by force; the client still has the handle, but it leads
     * nowhere. Set by the messenger.
     */
    boolean isRevoked() {
        return revoked;
    }

    /** Messenger only: requests are refused from now on. */
    void revoke(Runnable whenDrained) {
        revoked = true;
        retire(whenDrained);
    }

    /** Messenger only: one request is about to be submitted. */
    void onRequestStart(boolean isChange) {
        if (cached && isChange) {
            counters.putLongOrdered(CHANGED_OFFSET, counters.getLong(CHANGED_OFFSET) + 1);
        }
        counters.putLongOrdered(SUBMITTED_OFFSET, counters.getLong(SUBMITTED_OFFSET) + 1);
    }

    /** Messenger only: how many changes a flush that begins now brings to the store. */
    long changesToFlush() {
        return counters.getLong(CHANGED_OFFSET);
    }

    /** Any thread: these are with the store. */
    void onFlushed(long flushed) {
        long known;
        do {
            known = counters.getLongVolatile(FLUSHED_OFFSET);
        } while (known < flushed && !counters.compareAndSetLong(FLUSHED_OFFSET, known, flushed));
    }

    /** After it was drained: its image was closed, and so flushed. */
    public void onImageClosed() {
        onFlushed(changesToFlush());
    }

    /** Of the image. Any thread. */
    StoreAnswers answers() {
        return answers;
    }

    /** Any thread: the image was changed. */
    void onChanged() {
        changes.count();
    }

    /** Any thread, as the last step of a completion. */
    void onRequestDone() {
        if (counters.getAndAddLong(COMPLETED_OFFSET, 1) + 1 == drainAt.get()) {
            drained();
        }
    }

    /**
     * Messenger only, once, after the handle can no longer be found by a request.
     *
     * @param whenDrained called once, on this thread or on that of the last completion.
     */
    void retire(Runnable whenDrained) {
        onDrained = whenDrained;
        drainAt.set(counters.getLong(SUBMITTED_OFFSET));
        if (counters.getLongVolatile(COMPLETED_OFFSET) == drainAt.get()) {
            drained();
        }
    }

    /** Any thread; a snapshot. */
    public long inFlight() {
        long done = counters.getLongVolatile(COMPLETED_OFFSET);
        return Math.max(0, counters.getLongVolatile(SUBMITTED_OFFSET) - done);
    }

    /** Any thread; a snapshot. */
    public long requests() {
        return counters.getLongVolatile(SUBMITTED_OFFSET) - countedBefore;
    }

    private void drained() {
        // both sides may see the last completion; one of them reports it
        if (drainAt.getAndSet(Long.MAX_VALUE) != Long.MAX_VALUE) {
            onDrained.run();
        }
    }
}
