package org.rbdwrapper.client.session;

import org.rbdwrapper.ipc.ErrnoException;
import org.rbdwrapper.ipc.codec.IoOp;

import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/**
 * An image as it is open in the session for operations that nobody waits for: opened by the first
 * of them. Any thread.
 */
public final class QueuedImage {
    private final List<Path> runDirs;
    private final String path;
    private final boolean read;
    private final boolean write;
    private BrokerSession session;
    private volatile OpenedImage image;
    private boolean closed;

    public QueuedImage(List<Path> runDirs, String path, boolean read, boolean write) {
        this.runDirs = List.copyOf(runDirs);
        this.path = path;
        this.read = read;
        this.write = write;
    }

    /** READ or WRITE: bytes, or an {@link ErrnoException}. */
    public CompletableFuture<Long> transfer(IoOp op, ByteBuffer buffer, long position) {
        try {
            int handle = opened().handle();
            return session.channels().submitTransfer(op, handle, buffer, position);
        } catch (ErrnoException e) {
            return CompletableFuture.failedFuture(e);
        }
    }

    /** FLUSH. */
    public CompletableFuture<Long> flush() {
        try {
            int handle = opened().handle();
            return session.channels().submitCommand(IoOp.FLUSH, handle, 0, 0);
        } catch (ErrnoException e) {
            return CompletableFuture.failedFuture(e);
        }
    }

    /** Waits for the operations under way. */
    public synchronized void close() throws ErrnoException {
        closed = true;
        if (image != null) {
            session.close(image);
        }
    }

    private OpenedImage opened() throws ErrnoException {
        OpenedImage opened = image;
        return opened != null ? opened : open();
    }

    private synchronized OpenedImage open() throws ErrnoException {
        if (image == null) {
            if (closed) {
                throw new ErrnoException(
                        org.rbdwrapper.ipc.Errno.EBADF, "the file is closed meanwhile");
            }
            session = BrokerSession.queueOf(runDirs);
            image = session.open(path, read, write);
        }
        return image;
    }
}
