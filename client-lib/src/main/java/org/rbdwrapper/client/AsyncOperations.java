package org.rbdwrapper.client;

import org.rbdwrapper.client.io.LibraryThread;
import org.rbdwrapper.client.io.OperationGate;
import org.rbdwrapper.client.io.SharedBuffers;
import org.rbdwrapper.client.session.LazyImage;
import org.rbdwrapper.ipc.ErrnoException;
import org.rbdwrapper.ipc.codec.IoOp;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.util.concurrent.CompletableFuture;

/** What is done with a file while its program goes on. Any thread. */
final class AsyncOperations {
    private final RbdFile file;
    private final LazyImage queued;
    private final LazyImage inPlace;
    private final OperationGate gate;

    /**
     * @param queued where operations go.
     * @param inPlace where those go whose data lies in that session's memory.
     * @param gate of the file.
     */
    AsyncOperations(RbdFile file, LazyImage queued, LazyImage inPlace, OperationGate gate) {
        this.file = file;
        this.queued = queued;
        this.inPlace = inPlace;
        this.gate = gate;
    }

    /** READ or WRITE. */
    CompletableFuture<Integer> transfer(IoOp op, ByteBuffer buffer, long position) {
        return gate.isOpen() ? transfer(op, buffer, position, false) : closed();
    }

    /** A write and a flush; the file is not closed between the two. */
    CompletableFuture<Integer> writeSynced(ByteBuffer source, long position) {
        if (!gate.begin()) {
            return closed();
        }
        CompletableFuture<Integer> written;
        try {
            written = transfer(IoOp.WRITE, source, position, true);
        } catch (RuntimeException | Error e) {
            gate.end();
            throw e;
        }
        return written.thenCompose(done -> flush(true).thenApply(ignored -> done))
                .whenComplete((done, failure) -> gate.end())
                .copy(); // a program may complete what it gets, and the gate would stay
    }

    CompletableFuture<Void> flush() {
        return gate.isOpen() ? flush(false) : closed();
    }

    private static <T> CompletableFuture<T> closed() {
        return CompletableFuture.failedFuture(new ClosedChannelException());
    }

    /**
     * @param hasBegun whether it has passed the gate.
     */
    private CompletableFuture<Integer> transfer(
            IoOp op, ByteBuffer buffer, long position, boolean hasBegun) {
        PendingTransfer transfer = new PendingTransfer(file, op == IoOp.READ);
        Submission copied =
                to -> to.channels().submitTransfer(op, to.target(), buffer, position, transfer);
        if (SharedBuffers.mayHold(buffer)) {
            Submission inItsPlace =
                    to -> {
                        if (!to.channels()
                                .submitInPlace(op, to.target(), buffer, position, transfer)) {
                            start(copied, queued, buffer, transfer, hasBegun);
                        }
                    };
            start(inItsPlace, inPlace, buffer, transfer, hasBegun);
        } else {
            start(copied, queued, buffer, transfer, hasBegun);
        }
        return transfer;
    }

    private CompletableFuture<Void> flush(boolean hasBegun) {
        PendingFlush flush = new PendingFlush(file);
        start(
                to -> to.channels().submitCommand(IoOp.FLUSH, to.target(), 0, 0, flush),
                queued,
                null,
                flush,
                hasBegun);
        return flush;
    }

    @FunctionalInterface
    private interface Submission {
        void submit(LazyImage.Opened to);
    }

    /**
     * Submits an operation here, or on another thread where this one would wait for the opening of
     * the image, and must not.
     *
     * @param buffer of it, or null.
     */
    private void start(
            Submission submission,
            LazyImage to,
            ByteBuffer buffer,
            CompletableFuture<?> result,
            boolean hasBegun) {
        if (!to.isToBeOpened() || !LibraryThread.isCompleter()) {
            submit(submission, to, result);
            return;
        }
        SharedBuffers.Region region = buffer == null ? null : SharedBuffers.use(buffer);
        boolean begins = hasBegun || gate.begin();
        Runnable end =
                () -> {
                    if (region != null) {
                        region.endUse();
                    }
                    if (begins && !hasBegun) {
                        gate.end();
                    }
                };
        if (!begins) {
            end.run();
            result.completeExceptionally(new ClosedChannelException());
            return;
        }
        Runnable work =
                () -> {
                    try {
                        submit(submission, to, result);
                    } catch (RuntimeException e) {
                        result.completeExceptionally(e);
                    } finally {
                        end.run();
                    }
                };
        try {
            LibraryThread.helper("rbdw-open", work).start();
        } catch (OutOfMemoryError e) { // there can be no more threads
            end.run();
            throw e;
        }
    }

    private void submit(Submission submission, LazyImage to, CompletableFuture<?> result) {
        try {
            file.checkNotLost();
            submission.submit(to.opened());
        } catch (ErrnoException e) {
            result.completeExceptionally(file.exception(e));
        } catch (IOException e) {
            result.completeExceptionally(e);
        }
    }
}
