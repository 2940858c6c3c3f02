package org.rbdwrapper.client;

import org.rbdwrapper.client.io.Channels;
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
        return gate.isOpen() ? transferUnchecked(op, buffer, position) : closed();
    }

    /** A write and a flush; the file is not closed between the two. */
    CompletableFuture<Integer> writeSynced(ByteBuffer source, long position) {
        if (!gate.begin()) {
            return closed();
        }
        CompletableFuture<Integer> written;
        try {
            written = transferUnchecked(IoOp.WRITE, source, position);
        } catch (RuntimeException e) {
            gate.end();
            throw e;
        }
        return written.thenCompose(done -> flushUnchecked().thenApply(ignored -> done))
                .whenComplete((done, failure) -> gate.end());
    }

    CompletableFuture<Void> flush() {
        return gate.isOpen() ? flushUnchecked() : closed();
    }

    private static <T> CompletableFuture<T> closed() {
        return CompletableFuture.failedFuture(new ClosedChannelException());
    }

    private CompletableFuture<Void> flushUnchecked() {
        PendingFlush flush = new PendingFlush(file);
        start(() -> submitFlush(flush), flush, queued.isToBeOpened());
        return flush;
    }

    private CompletableFuture<Integer> transferUnchecked(
            IoOp op, ByteBuffer buffer, long position) {
        RbdFile.checkAlive(buffer);
        PendingTransfer transfer = new PendingTransfer(file, op == IoOp.READ);
        boolean opens =
                queued.isToBeOpened() || (SharedBuffers.mayHold(buffer) && inPlace.isToBeOpened());
        start(() -> submitTransfer(op, buffer, position, transfer), transfer, opens);
        return transfer;
    }

    @FunctionalInterface
    private interface Submission {
        void submit() throws IOException;
    }

    /**
     * Submits an operation here, or where that would have the library's thread wait, on another.
     *
     * @param opens whether the image has to be opened once more for it.
     */
    private void start(Submission submission, CompletableFuture<?> result, boolean opens) {
        if (!opens || !Channels.isOnCompleter()) {
            submit(submission, result);
        } else if (gate.begin()) {
            Thread.ofPlatform()
                    .daemon()
                    .name("rbdw-open")
                    .start(
                            () -> {
                                try {
                                    submit(submission, result);
                                } catch (RuntimeException e) {
                                    result.completeExceptionally(e);
                                } finally {
                                    gate.end();
                                }
                            });
        } else {
            result.completeExceptionally(new ClosedChannelException());
        }
    }

    private void submit(Submission submission, CompletableFuture<?> result) {
        try {
            submission.submit();
        } catch (ErrnoException e) {
            result.completeExceptionally(file.exception(e));
        } catch (IOException e) {
            result.completeExceptionally(e);
        }
    }

    private void submitTransfer(IoOp op, ByteBuffer buffer, long position, PendingTransfer transfer)
            throws IOException {
        file.checkNotLost();
        if (SharedBuffers.mayHold(buffer)) {
            LazyImage.Opened opened = inPlace.opened();
            if (opened.channels().submitInPlace(op, opened.target(), buffer, position, transfer)) {
                return;
            }
        }
        LazyImage.Opened opened = queued.opened();
        opened.channels().submitTransfer(op, opened.target(), buffer, position, transfer);
    }

    private void submitFlush(PendingFlush flush) throws IOException {
        file.checkNotLost();
        LazyImage.Opened opened = queued.opened();
        opened.channels().submitCommand(IoOp.FLUSH, opened.target(), 0, 0, flush);
    }
}
