package org.rbdwrapper.broker.store.fault;

import org.rbdwrapper.broker.store.ImageTimes;
import org.rbdwrapper.broker.store.IoCompletion;
import org.rbdwrapper.broker.store.StoreImage;
import org.rbdwrapper.ipc.Errno;
import org.rbdwrapper.ipc.ErrnoException;
import org.rbdwrapper.ipc.codec.IoOp;

/** An image whose requests a fault can befall. */
final class FaultImage implements StoreImage {
    private final FaultStore store;
    private final StoreImage image;
    private int waiting; // guarded by this

    FaultImage(FaultStore store, StoreImage image) {
        this.store = store;
        this.image = image;
    }

    @Override
    public long size() {
        return image.size();
    }

    @Override
    public int objectSize() {
        return image.objectSize();
    }

    @Override
    public long objectSetSize() {
        return image.objectSetSize();
    }

    @Override
    public String imageId() {
        return image.imageId();
    }

    @Override
    public ImageTimes times() {
        return image.times();
    }

    @Override
    public void onChanged() {
        image.onChanged();
    }

    @Override
    public void touch() {
        image.touch();
    }

    @Override
    public void onRead() {
        image.onRead();
    }

    @Override
    public long snapshotId() {
        return image.snapshotId();
    }

    @Override
    public boolean isLost() {
        return image.isLost();
    }

    @Override
    public String heldWritesBy() {
        return image.heldWritesBy();
    }

    @Override
    public void submit(IoOp op, long address, long position, long length, IoCompletion completion) {
        Fault fault = store.plan().next(FaultPoint.of(op), null, position, length);
        if (fault == null) {
            image.submit(op, address, position, length, completion);
        } else if (fault.delayMillis() > 0) {
            onWait(1);
            store.later(
                    fault,
                    () -> {
                        go(fault, op, address, position, length, completion);
                        onWait(-1);
                    });
        } else {
            go(fault, op, address, position, length, completion);
        }
    }

    /** Also waits for those that are held: whoever holds them releases them. */
    @Override
    public void close() throws ErrnoException {
        synchronized (this) {
            while (waiting > 0) {
                try {
                    wait();
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                    throw new ErrnoException(Errno.EINTR, "close of an image with faults", e);
                }
            }
        }
        image.close();
    }

    private void go(
            Fault fault,
            IoOp op,
            long address,
            long position,
            long length,
            IoCompletion completion) {
        if (fault.errno() != null) {
            completion.onComplete(-fault.errno().number());
        } else {
            image.submit(op, address, position, length, completion);
        }
    }

    private synchronized void onWait(int change) {
        waiting += change;
        if (waiting == 0) {
            notifyAll();
        }
    }
}
