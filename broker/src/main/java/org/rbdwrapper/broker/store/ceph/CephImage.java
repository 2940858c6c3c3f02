package org.rbdwrapper.broker.store.ceph;

import com.ceph.rbd.Rbd;
import com.ceph.rbd.RbdException;
import com.ceph.rbd.RbdImage;
import com.sun.jna.Pointer;

import org.rbdwrapper.broker.store.ImageRef;
import org.rbdwrapper.broker.store.ImageTimes;
import org.rbdwrapper.broker.store.IoCompletion;
import org.rbdwrapper.broker.store.StoreImage;
import org.rbdwrapper.broker.store.TimeKeeper;
import org.rbdwrapper.ipc.Errno;
import org.rbdwrapper.ipc.ErrnoException;
import org.rbdwrapper.ipc.ImageSpec;
import org.rbdwrapper.ipc.codec.IoOp;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.util.concurrent.atomic.AtomicLong;

/**
 * An image opened through librbd. Requests go straight from and into the client's arena, and
 * complete in {@link AioCallback}.
 *
 * <p>Any thread submits: librbd's calls are thread-safe.
 */
final class CephImage implements StoreImage {
    private static final Logger LOG = LoggerFactory.getLogger(CephImage.class);

    private static final long LOOK_INTERVAL_NANOS = 1_000_000_000L;

    private final ImageSpec spec;
    private final Rbd rbd;
    private final RbdImage image;
    private final long pointer;
    private final int objectSize;
    private final long objectSetSize;
    private final ImageRef ref;
    private final boolean readOnly;
    private final String heldWritesBy;
    private final CephConnection connection;
    private long watch = -1;
    private final int number;
    private boolean closed;
    private final TimeKeeper times;
    private final KeptTimes kept;
    private final AtomicLong nextLook = new AtomicLong(System.nanoTime() + LOOK_INTERVAL_NANOS);
    private final long headerAtOpen;
    private volatile long size;

    /**
     * @param kept null where the image cannot change: a snapshot.
     */
    CephImage(
            CephConnection connection,
            ImageRef ref,
            Rbd rbd,
            RbdImage image,
            boolean readOnly,
            TimeKeeper times,
            KeptTimes kept)
            throws CephCallException, RbdException, ErrnoException {
        this.times = times;
        this.kept = kept;
        this.connection = connection;
        this.spec = ref.spec();
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
        this.objectSetSize = objectSize * Math.clamp(LibRbd.stripeCount(pointer), 1, 1L << 30);
        this.ref = identify(pointer, ref);
        this.headerAtOpen = LibRbd.modifiedAtNanos(pointer);
        this.number = ImageNumbers.register(this);
        if (!spec.isSnapshot()) {
            try {
                watch = LibRbd.watch(pointer, UpdateWatches.callback(), number);
            } catch (CephCallException e) {
                ImageNumbers.release(number);
                throw e;
            }
        }
        if (!readOnly) {
            kept.beginWriting(this);
        }
    }

    /** What it is. */
    ImageRef ref() {
        return ref;
    }

    /** What an open image is, where only its name was known. */
    static ImageRef identify(long image, ImageRef ref) throws CephCallException {
        if (ref.isKnown()) {
            return ref;
        }
        ImageSpec spec = ref.spec();
        return new ImageRef(
                spec,
                LibRbd.imageId(image),
                spec.isSnapshot() ? LibRbd.snapshotId(image, spec.snap()) : ImageRef.NO_SNAPSHOT);
    }

    @Override
    public long snapshotId() {
        return ref.snapshotId();
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
    public long objectSetSize() {
        return objectSetSize;
    }

    @Override
    public String imageId() {
        return ref.imageId();
    }

    /**
     * As far as they are known: the image's header, which tells of other hosts, is looked at
     * meanwhile, so that who asks again later hears of that.
     */
    @Override
    public ImageTimes times() {
        long due = nextLook.get();
        long now = System.nanoTime();
        if (kept != null
                && now - due >= 0
                && nextLook.compareAndSet(due, now + LOOK_INTERVAL_NANOS)) {
            Thread.ofPlatform().daemon().name("image-times").start(this::lookAtHeader);
        }
        return times.times();
    }

    @Override
    public void onChanged() {
        times.onChanged();
    }

    @Override
    public void onRead() {
        times.onRead();
    }

    /** Worker. Sets the times of the image. */
    void setTimes(long accessed, long modified) {
        kept.set(accessed, modified);
    }

    /**
     * When this instance has last said in the header that the image was changed; 0: it has not. Any
     * thread.
     */
    synchronized long updatedAt() {
        try {
            long at = closed ? headerAtOpen : LibRbd.modifiedAtNanos(pointer);
            return at == headerAtOpen ? 0 : at;
        } catch (CephCallException e) {
            LOG.debug("image {}: {}", spec, e.getMessage());
            return 0;
        }
    }

    private void lookAtHeader() {
        try {
            long header;
            synchronized (this) {
                if (closed) {
                    return;
                }
                header = connection.modifiedAtNanos(spec, ref.imageId());
            }
            kept.onHeader(header);
        } catch (ErrnoException | CephCallException | RuntimeException e) {
            LOG.debug("the header of image {} cannot be read: {}", spec, e.toString());
        }
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
                    case TRUNCATE, EXTEND, NULL_VAL -> -Errno.EINVAL.number();
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
        long updatedAt = updatedAt();
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
            if (!readOnly) {
                kept.endWriting(this, updatedAt);
            }
            ImageNumbers.release(number);
            connection.closed(this);
        }
    }
}
