package org.rbdwrapper.broker.store.ceph;

import com.ceph.rbd.Rbd;
import com.ceph.rbd.RbdException;
import com.ceph.rbd.RbdImage;
import com.sun.jna.Pointer;

import org.rbdwrapper.broker.store.IoCompletion;
import org.rbdwrapper.broker.store.StoreImage;
import org.rbdwrapper.ipc.Errno;
import org.rbdwrapper.ipc.ErrnoException;
import org.rbdwrapper.ipc.ImageSpec;
import org.rbdwrapper.ipc.codec.IoOp;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * An image opened through librbd. Requests go straight from and into the client's arena, and
 * complete in {@link AioCallback}.
 *
 * <p>Any thread submits: librbd's calls are thread-safe.
 */
final class CephImage implements StoreImage {
    private static final Logger LOG = LoggerFactory.getLogger(CephImage.class);

    private final ImageSpec spec;
    private final Rbd rbd;
    private final RbdImage image;
    private final long pointer;
    private final int objectSize;
    private final String imageId;
    private final boolean readOnly;
    private final String heldWritesBy;
    private final CephConnection connection;
    private long watch = -1;
    private final int number;
    private boolean closed;
    private volatile long size;

    CephImage(CephConnection connection, ImageSpec spec, Rbd rbd, RbdImage image, boolean readOnly)
            throws CephCallException, RbdException, ErrnoException {
        this.connection = connection;
        this.spec = spec;
        this.rbd = rbd;
        this.image = image;
        this.readOnly = readOnly;
        this.pointer = Pointer.nativeValue(image.getPointer());
        ImageSettings settings = ImageSettings.of(pointer);
        settings.check(spec);
        this.heldWritesBy = settings.heldWritesBy(spec);
        var info = image.stat();
        this.size = info.size;
        this.objectSize = (int) info.obj_size;
        this.imageId = LibRbd.imageId(pointer);
        this.number = ImageNumbers.register(this);
        if (!spec.isSnapshot()) {
            try {
                watch = LibRbd.watch(pointer, UpdateWatches.callback(), number);
            } catch (CephCallException e) {
                ImageNumbers.release(number);
                throw e;
            }
        }
    }

    ImageSpec spec() {
        return spec;
    }

    @Override
    public long size() {
        return size;
    }

    @Override
    public int objectSize() {
        return objectSize;
    }

    @Override
    public String imageId() {
        return imageId;
    }

    @Override
    public String heldWritesBy() {
        return heldWritesBy;
    }

    @Override
    public void submit(IoOp op, long address, long position, long length, IoCompletion completion) {
        if (readOnly && op != IoOp.READ && op != IoOp.FLUSH) {
            completion.onComplete(-Errno.EROFS.number());
            return;
        }
        long aio = AioCallback.create(completion, number);
        if (aio < 0 && aio > -4096) {
            completion.onComplete(aio);
            return;
        }
        int result =
                switch (op) {
                    case READ -> LibRbd.read(pointer, position, length, address, aio);
                    case WRITE -> LibRbd.write(pointer, position, length, address, aio);
                    case FLUSH -> LibRbd.flush(pointer, aio);
                    case DISCARD -> LibRbd.discard(pointer, position, length, aio);
                    case WRITE_ZEROES -> LibRbd.writeZeroes(pointer, position, length, aio);
                    case NULL_VAL -> -Errno.EINVAL.number();
                };
        if (result < 0) {
            LibRbd.release(aio);
            completion.onComplete(result);
        }
    }

    @Override
    public boolean isLost() {
        return connection.isLost();
    }

    /** Any thread: a request's answer says that the connection's client is on the blocklist. */
    void onBlocklisted() {
        connection.isLostBy(Errno.ESHUTDOWN);
    }

    /** Worker: asks librbd, which follows changes made by other hosts. */
    synchronized void refreshSize() {
        if (closed) {
            return;
        }
        try {
            size = image.stat().size;
        } catch (RbdException e) {
            if (connection.isLostBy(Errno.of(e.getReturnValue()))) {
                return; // which it has said
            }
            LOG.warn("the size of image {} is not known: {}", spec, Errno.of(e.getReturnValue()));
        }
    }

    /** Whoever else closes it at the same time returns when that has been done, too. */
    @Override
    public synchronized void close() throws ErrnoException {
        if (closed) {
            return;
        }
        closed = true;
        try {
            if (watch >= 0) {
                LibRbd.unwatch(pointer, watch);
            }
        } catch (CephCallException e) {
            if (!isLost()) {
                LOG.warn("watch of image {}: {}", spec, e.getMessage());
            }
        }
        try {
            rbd.close(image);
        } catch (RbdException e) {
            if (!isLost()) { // else there is nothing left that could be put in order
                throw CephErrors.of(e, "image " + spec + " cannot be closed");
            }
        } finally {
            ImageNumbers.release(number);
            connection.closed(this);
        }
    }
}
