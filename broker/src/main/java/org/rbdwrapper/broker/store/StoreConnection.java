package org.rbdwrapper.broker.store;

import org.rbdwrapper.ipc.Errno;
import org.rbdwrapper.ipc.ErrnoException;
import org.rbdwrapper.ipc.ImageSpec;
import org.rbdwrapper.ipc.posix.FileTimes;

import java.util.List;

/**
 * One instance of the store's client: the administration of images, and the way to open them.
 *
 * <p>Errors have the number that the store gave and a text that says what failed on which image,
 * without the number's name (the broker appends it) and without a full stop.
 */
public interface StoreConnection extends AutoCloseable {
    /**
     * Opens an image for I/O.
     *
     * @param readOnly true for a snapshot, too; I/O that would change the image is refused with
     *     EROFS.
     * @throws ErrnoException ENOENT where the pool, image or snapshot is not there.
     */
    StoreImage open(ImageSpec spec, boolean readOnly) throws ErrnoException;

    /**
     * {@link #open} in another way than every store has.
     *
     * @throws ErrnoException EOPNOTSUPP where the store does not have it.
     */
    default StoreImage open(ImageSpec spec, boolean readOnly, ImageTuning tuning)
            throws ErrnoException {
        if (tuning.equals(ImageTuning.NONE)) {
            return open(spec, readOnly);
        }
        throw new ErrnoException(
                Errno.EOPNOTSUPP,
                "image "
                        + spec
                        + " cannot be opened with "
                        + tuning
                        + " on this store: map it without that");
    }

    /**
     * Opens an image wherever its name has gone.
     *
     * @throws ErrnoException ENOENT where it is not there any more, ESTALE where another has its
     *     name.
     */
    default StoreImage open(ImageRef image, boolean readOnly, ImageTuning tuning)
            throws ErrnoException {
        StoreImage opened = open(image.spec(), readOnly, tuning);
        if (image.isKnown() && !opened.imageId().equals(image.imageId())) {
            opened.close();
            throw stale(image);
        }
        return opened;
    }

    /** As {@link #describe(ImageSpec)}, wherever its name has gone; fails as that opening does. */
    default ImageDetails describe(ImageRef image) throws ErrnoException {
        ImageDetails details = describe(image.spec());
        if (image.isKnown() && !details.imageId().equals(image.imageId())) {
            throw stale(image);
        }
        return details;
    }

    /** As {@link #setTimes(ImageSpec, long, long)}; fails as {@link #describe(ImageRef)} does. */
    default void setTimes(ImageRef image, long accessed, long modified) throws ErrnoException {
        describe(image);
        setTimes(image.spec(), accessed, modified);
    }

    /** What is called so now, whose fate its names have no part in. */
    default ImageRef identify(ImageSpec spec) throws ErrnoException {
        return new ImageRef(spec, describe(spec).imageId(), ImageRef.NO_SNAPSHOT);
    }

    /** Of an image that is gone, and whose name another has. */
    static ErrnoException stale(ImageRef image) {
        return new ErrnoException(
                Errno.ESTALE,
                "image "
                        + image.spec()
                        + " is another one than that which was mapped: unmap that, and map it");
    }

    /**
     * Creates an image that reads as zeroes.
     *
     * @param size bytes, at least 1; a multiple of 512 is required by the broker before this is
     *     called.
     * @throws ErrnoException EEXIST where there is one of that name.
     */
    void create(ImageSpec spec, long size) throws ErrnoException;

    /**
     * The names of the images of a pool and namespace, sorted.
     *
     * @param namespace empty for the pool's default namespace.
     */
    List<String> list(String pool, String namespace) throws ErrnoException;

    ImageDetails describe(ImageSpec spec) throws ErrnoException;

    /**
     * Changes an image's size. Open handles see the new size when this returns.
     *
     * @return the image's identity.
     * @param size bytes, at least 1.
     * @throws ErrnoException EINVAL where the image would shrink and {@code allowShrink} is false.
     */
    String resize(ImageSpec spec, long size, boolean allowShrink, ProgressListener progress)
            throws ErrnoException;

    /**
     * Sets an image's times, as utimensat(2); that of change becomes now.
     *
     * @param accessed nanoseconds since the epoch, {@link FileTimes#NOW} or {@link FileTimes#OMIT};
     *     as modified.
     */
    void setTimes(ImageSpec spec, long accessed, long modified) throws ErrnoException;

    /**
     * Removes an image and its data.
     *
     * @throws ErrnoException EBUSY while it is open anywhere, ENOTEMPTY while it has snapshots.
     */
    void remove(ImageSpec spec, ProgressListener progress) throws ErrnoException;

    /**
     * The kernel's ids of the threads that every request of this connection passes, so that they
     * can be placed; none where it has none of its own.
     */
    default int[] ioThreads() {
        return new int[0];
    }

    /** Images opened here are closed first. */
    @Override
    void close();
}
