package org.rbdwrapper.client;

import org.rbdwrapper.client.io.LibraryThread;
import org.rbdwrapper.client.io.LowMemory;
import org.rbdwrapper.client.io.OperationGate;
import org.rbdwrapper.client.io.SharedBuffers;
import org.rbdwrapper.client.io.StackRoom;
import org.rbdwrapper.client.session.LazyImage;
import org.rbdwrapper.client.session.OpenedImage;
import org.rbdwrapper.ipc.ErrnoException;
import org.rbdwrapper.ipc.codec.IoOp;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.util.concurrent.CompletableFuture;

/** What is done with a file while its program goes on. Any thread. */
final class AsyncOperations {
    private final OpenedImage image; // not the file, which its program may lose meanwhile
    private final LazyImage queued;
    private final LazyImage inPlace;
    private final OperationGate gate;

    /**
     * @param image what the file is open as.
     * @param queued where operations go.
     * @param inPlace where those go whose data lies in that session's memory.
     * @param gate of the file.
     */
    AsyncOperations(OpenedImage image, LazyImage queued, LazyImage inPlace, OperationGate gate) {
        this.image = image;
        this.queued = queued;
        this.inPlace = inPlace;
        this.gate = gate;
    }

    /** READ or WRITE. */
    CompletableFuture<Integer> transfer(IoOp op, ByteBuffer buffer, long position) {
        StackRoom.require();
        if (!gate.isOpen()) {
            return closed();
        }
        PendingTransfer result = new PendingTransfer(image, op == IoOp.READ);
        transfer(op, buffer, position, false, result);
        return result;
    }

    /** A write and a flush; the file is not closed between the two. */
    CompletableFuture<Integer> writeSynced(ByteBuffer source, long position) {
        StackRoom.require();
        if (!gate.begin()) {
            return closed();
        }
        SyncedWrite result = syncedWrite();
        try {
            transfer(IoOp.WRITE, source, position, true, result);
            return result;
        } catch (RuntimeException | Error e) {
            result.endGate();
            throw e;
        }
    }

    private SyncedWrite syncedWrite() {
        try {
            return new SyncedWrite(image, gate, flushed -> flush(flushed, true));
        } catch (Error e) {
            gate.end();
            throw e;
        }
    }

    CompletableFuture<Void> flush() {
        StackRoom.require();
        if (!gate.isOpen()) {
            return closed();
        }
        PendingFlush result = new PendingFlush(image);
        flush(result, false);
        return result;
    }

    private static <T> CompletableFuture<T> closed() {
        return CompletableFuture.failedFuture(new ClosedChannelException());
    }

    /**
     * @param hasBegun whether who calls holds the gate for it.
     */
    private void transfer(
            IoOp op, ByteBuffer buffer, long position, boolean hasBegun, PendingTransfer result) {
        SharedBuffers.Region region = SharedBuffers.use(buffer);
        if (region != null) {
            Submission there = inPlace(op, buffer, region, position, hasBegun, result);
            start(there, inPlace, result, hasBegun);
            return;
        }
        LazyImage.Opened to = queued.known();
        if (to != null && !image.isLost()) { // mostly, and nothing more allocated
            to.channels().submitTransfer(op, to.target(), buffer, null, position, result);
        } else {
            start(new Transfer(op, buffer, null, position, result), queued, result, hasBegun);
        }
    }

    private Submission inPlace(
            IoOp op,
            ByteBuffer buffer,
            SharedBuffers.Region region,
            long position,
            boolean hasBegun,
            PendingTransfer result) {
        try {
            return new InPlace(new Transfer(op, buffer, region, position, result), hasBegun);
        } catch (Error e) {
            region.endUse();
            throw e;
        }
    }

    private void flush(Pending result, boolean hasBegun) {
        start(
                to -> to.channels().submitCommand(IoOp.FLUSH, to.target(), 0, 0, result),
                queued,
                result,
                hasBegun);
    }

    /** What is done when the image is open. */
    @FunctionalInterface
    private interface Submission {
        void submit(LazyImage.Opened to);

        /** It cannot be opened. */
        default void drop() {}
    }

    /**
     * @param region that is in use for it, or null.
     */
    private record Transfer(
            IoOp op,
            ByteBuffer buffer,
            SharedBuffers.Region region,
            long position,
            PendingTransfer result)
            implements Submission {
        @Override
        public void submit(LazyImage.Opened to) {
            to.channels().submitTransfer(op, to.target(), buffer, region, position, result);
        }

        @Override
        public void drop() {
            if (region != null) {
                region.endUse();
            }
        }
    }

    private final class InPlace implements Submission {
        private final Transfer transfer;
        private final boolean hasBegun;

        InPlace(Transfer transfer, boolean hasBegun) {
            this.transfer = transfer;
            this.hasBegun = hasBegun;
        }

        @Override
        public void submit(LazyImage.Opened to) {
            boolean done =
                    to.channels()
                            .submitInPlace(
                                    transfer.op,
                                    to.target(),
                                    transfer.buffer,
                                    transfer.region,
                                    transfer.position,
                                    transfer.result);
            if (!done) {
                start(transfer, queued, transfer.result, hasBegun);
            }
        }

        @Override
        public void drop() {
            transfer.drop();
        }
    }

    /**
     * Submits an operation here, or on another thread where this one would wait for the opening of
     * the image, and must not. Until it is submitted there the file stays open.
     */
    private void start(Submission submission, LazyImage to, Pending result, boolean hasBegun) {
        if (!to.isToBeOpened() || !LibraryThread.isCompleter()) {
            IOException failure = submit(submission, to);
            if (failure != null) {
                result.onRefused(failure);
            }
        } else if (hasBegun || gate.begin()) {
            try {
                Runnable end = hasBegun ? () -> {} : gate::end;
                LibraryThread.helper("rbdw-open", () -> submit(submission, to, result, end))
                        .start();
            } catch (Error e) { // there may be no more threads
                submission.drop();
                if (!hasBegun) {
                    gate.end();
                }
                throw e;
            }
        } else {
            submission.drop();
            result.onRefused(new ClosedChannelException());
        }
    }

    /** Where nobody else hears of what is thrown. */
    private void submit(Submission submission, LazyImage to, Pending result, Runnable end) {
        Throwable failure;
        try {
            failure = submit(submission, to);
        } catch (RuntimeException | Error e) {
            failure = e;
        }
        end.run(); // before the program hears of it, as in Operation
        if (failure != null) {
            refuse(result, failure);
        }
    }

    /** Whatever memory there is: who waits for it waits for this thread. */
    private static void refuse(Pending result, Throwable failure) {
        while (true) {
            try {
                result.onRefused(failure);
                return;
            } catch (OutOfMemoryError e) {
                if (result.isDone()) { // it is what depends on it that has none
                    return;
                }
                LowMemory.pause();
            }
        }
    }

    /** Returns what kept it from being submitted, or null. */
    private IOException submit(Submission submission, LazyImage to) {
        LazyImage.Opened opened = null;
        try {
            image.checkNotLost();
            opened = to.opened();
        } catch (ErrnoException e) {
            return FileErrors.refusal(image, e);
        } finally {
            if (opened == null) {
                submission.drop();
            }
        }
        submission.submit(opened);
        return null;
    }
}
