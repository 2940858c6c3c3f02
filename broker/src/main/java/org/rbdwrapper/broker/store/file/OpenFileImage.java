package org.rbdwrapper.broker.store.file;

import org.rbdwrapper.broker.store.ImageTimes;
import org.rbdwrapper.broker.store.IoCompletion;
import org.rbdwrapper.broker.store.StoreImage;
import org.rbdwrapper.ipc.Errno;
import org.rbdwrapper.ipc.ErrnoException;
import org.rbdwrapper.ipc.codec.IoOp;

/**
 * One opening of a {@link FileImage}.
 *
 * <p>Short reads and writes are done on the caller's thread, where the page cache answers in a
 * microsecond or takes the bytes in one; what may take long (large transfers, flushes, discards)
 * goes to a {@link SlowLane}, so that a messenger is not held up.
 */
final class OpenFileImage implements StoreImage {
    /** Bytes that are copied in the time that handing over takes, about. */
    private static final int MAX_INLINE = 128 * 1024;

    private final FileStore store;
    private final FileImage image;
    private final TransferLane transfers;
    private final FlushLane flushes;
    private final boolean readOnly;
    private int slowRequests; // guarded by this
    private boolean closed; // guarded by this

    OpenFileImage(
            FileStore store,
            FileImage image,
            TransferLane transfers,
            FlushLane flushes,
            boolean readOnly) {
        this.store = store;
        this.image = image;
        this.transfers = transfers;
        this.flushes = flushes;
        this.readOnly = readOnly;
    }

    @Override
    public long size() {
        return image.size();
    }

    @Override
    public int objectSize() {
        return FileImage.OBJECT_SIZE;
    }

    @Override
    public String imageId() {
        return image.id();
    }

    @Override
    public ImageTimes times() {
        return image.times();
    }

    @Override
    public void touch() {
        image.touch();
    }

    @Override
    public void submit(IoOp op, long address, long position, long length, IoCompletion completion) {
        boolean transfer = op == IoOp.READ || op == IoOp.WRITE;
        if (readOnly && op != IoOp.READ && op != IoOp.FLUSH) {
            completion.onComplete(-Errno.EROFS.number());
        } else if (op == IoOp.FLUSH) {
            flushes.submit(this, op, address, position, length, completion);
        } else if (transfer && length <= MAX_INLINE) {
            completion.onComplete(perform(op, address, position, length));
        } else {
            transfers.submit(this, op, address, position, length, completion);
        }
    }

    @Override
    public void close() throws ErrnoException {
        synchronized (this) {
            if (closed) {
                return;
            }
            closed = true;
            boolean interrupted = false;
            while (slowRequests > 0) {
                try {
                    wait();
                } catch (InterruptedException e) {
                    interrupted = true; // a client's memory is still being written to
                }
            }
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
        store.onClosed(image);
    }

    FileImage image() {
        return image;
    }

    /** All but FLUSH: bytes done or a negative error number. */
    long perform(IoOp op, long address, long position, long length) {
        return switch (op) {
            case READ -> image.read(address, position, length);
            case WRITE -> image.write(address, position, length);
            case DISCARD, WRITE_ZEROES -> image.zero(position, length);
            case FLUSH, TRUNCATE, EXTEND, NULL_VAL -> -Errno.EOPNOTSUPP.number();
        };
    }

    synchronized void onSlowStart() {
        slowRequests++;
    }

    synchronized void onSlowDone() {
        slowRequests--;
        if (slowRequests == 0) {
            notifyAll();
        }
    }
}
