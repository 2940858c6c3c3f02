package org.rbdwrapper.client;

import org.rbdwrapper.client.io.OperationGate;
import org.rbdwrapper.client.session.OpenedImage;

import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;

/**
 * A write and the flush that follows it, during both of which the file stays open. A program that
 * completes it gives up the write, whose buffer is its own again.
 *
 * <p>No chain of futures, in which what is thrown between two of them, as there is no memory, may
 * be lost, and then the second would never end, or end twice.
 */
final class SyncedWrite extends PendingTransfer {
    private final Consumer<Pending> flush;
    private final Pending flushed = new Flushed(); // there may be no memory for it then
    private final OperationGate gate;
    private final AtomicBoolean holdsGate = new AtomicBoolean(true);
    private volatile long written;

    /**
     * @param gate of the file, which has begun for this, and ends with it.
     * @param flush begins it; where it throws, it has not.
     */
    SyncedWrite(OpenedImage image, OperationGate gate, Consumer<Pending> flush) {
        super(image, false);
        this.gate = gate;
        this.flush = flush;
    }

    private final class Flushed implements Pending {
        @Override
        public void onDone(long result) {
            endGate();
            SyncedWrite.super.onDone(written);
        }

        @Override
        public void onFailed(Throwable failure) {
            SyncedWrite.this.onFailed(failure);
        }

        @Override
        public void onRefused(Throwable failure) {
            SyncedWrite.this.onRefused(failure);
        }

        @Override
        public boolean isDone() {
            return SyncedWrite.this.isDone();
        }
    }

    @Override
    public void onDone(long result) {
        written = result;
        if (isGivenUp()) {
            endGate();
        } else {
            flush.accept(flushed);
        }
    }

    @Override
    public void onFailed(Throwable failure) {
        endGate();
        super.onFailed(failure);
    }

    @Override
    public void onRefused(Throwable failure) {
        endGate();
        super.onRefused(failure);
    }

    @Override
    void giveUp() {
        super.giveUp();
        endGate();
    }

    /** Before the program hears of the end, as in Operation; once, whoever comes first. */
    void endGate() {
        if (holdsGate.compareAndSet(true, false)) {
            gate.end();
        }
    }
}
