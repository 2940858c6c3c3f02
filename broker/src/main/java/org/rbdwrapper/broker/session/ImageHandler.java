package org.rbdwrapper.broker.session;

import org.rbdwrapper.broker.Lane;
import org.rbdwrapper.broker.Workers;
import org.rbdwrapper.broker.image.SharedImages;
import org.rbdwrapper.broker.map.ImageMap;
import org.rbdwrapper.broker.map.Mapping;
import org.rbdwrapper.broker.map.Permissions;
import org.rbdwrapper.broker.store.ImageRef;
import org.rbdwrapper.broker.store.ProgressListener;
import org.rbdwrapper.broker.store.StoreConnection;
import org.rbdwrapper.ipc.Errno;
import org.rbdwrapper.ipc.ErrnoException;
import org.rbdwrapper.ipc.ImageSpec;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.util.List;

/**
 * Administration of the store's images, mapped or not. Conductor's thread; the work itself is done
 * by workers.
 */
final class ImageHandler {
    private static final Logger LOG = LoggerFactory.getLogger(ImageHandler.class);

    /** The unit of a disk's addresses: tools count in it, so an image is whole ones. */
    private static final int SECTOR = 512;

    /**
     * 2^61 bytes, 2 EiB: positions and lengths can be added without overflow, and RBD's object
     * numbers suffice.
     */
    private static final long MAX_SIZE = 1L << 61;

    private static final int MAX_LIST = 65_534;
    private static final long PROGRESS_INTERVAL_NANOS = 200_000_000;

    private final ImageMap map;
    private final SharedImages images;
    private final Permissions permissions;
    private final StoreConnection administration;
    private final Workers workers;

    ImageHandler(
            ImageMap map,
            SharedImages images,
            Permissions permissions,
            StoreConnection administration,
            Workers workers) {
        this.map = map;
        this.images = images;
        this.permissions = permissions;
        this.administration = administration;
        this.workers = workers;
    }

    void onCreate(Reply reply, long size, String specText) {
        ImageSpec spec;
        try {
            spec = check(reply, "create", specText);
            checkSize("create " + spec, size);
        } catch (ErrnoException e) {
            reply.fail(e);
            return;
        }
        workers.call(
                reply.origin(Lane.ofPool(spec.pool()), "creating image " + spec),
                () -> {
                    administration.create(spec, size);
                    return spec;
                },
                created -> {
                    LOG.info(
                            "created {} of {} bytes for {}",
                            spec,
                            size,
                            reply.session().describe());
                    reply.done();
                },
                reply::fail);
    }

    void onList(Reply reply, String poolText) {
        String pool;
        String namespace;
        try {
            checkMayAdminister(reply, "list " + ImageSpec.quote(poolText));
            String[] parts =
                    (poolText.isEmpty() ? ImageSpec.DEFAULT_POOL : poolText).split("/", -1);
            // the names' own rules are the spec's
            ImageSpec probe =
                    MapHandler.parse(parts[0] + (parts.length > 1 ? "/" + parts[1] : "") + "/x");
            if (parts.length > 2) {
                throw new ErrnoException(
                        Errno.EINVAL,
                        ImageSpec.quote(poolText) + " is no pool: give POOL[/NAMESPACE]");
            }
            pool = probe.pool();
            namespace = probe.namespace();
        } catch (ErrnoException e) {
            reply.fail(e);
            return;
        }
        workers.call(
                reply.origin(Lane.ofPool(pool), "listing the images of pool " + pool),
                () -> {
                    List<String> names = administration.list(pool, namespace);
                    if (names.size() > MAX_LIST) {
                        throw new ErrnoException(
                                Errno.EOVERFLOW,
                                "pool "
                                        + pool
                                        + " has "
                                        + names.size()
                                        + " images, too many to list");
                    }
                    return names;
                },
                names -> reply.send(ControlProxy.images(reply.correlationId(), names)),
                reply::fail);
    }

    void onDescribe(Reply reply, String specText) {
        ImageSpec spec;
        try {
            checkMayAdminister(reply, "describe " + ImageSpec.quote(specText));
            spec = MapHandler.parse(specText);
        } catch (ErrnoException e) {
            reply.fail(e);
            return;
        }
        workers.call(
                reply.origin(Lane.ofPool(spec.pool()), "describing image " + spec),
                () -> administration.describe(spec),
                details ->
                        reply.send(
                                ControlProxy.imageDescription(
                                        reply.correlationId(), spec, details)),
                reply::fail);
    }

    void onResize(Reply reply, long size, boolean allowShrink, String specText) {
        ImageSpec spec;
        try {
            spec = check(reply, "resize", specText);
            checkSize("resize " + spec, size);
        } catch (ErrnoException e) {
            reply.fail(e);
            return;
        }
        workers.call(
                reply.origin(Lane.administration(spec.pool()), "resizing image " + spec),
                () ->
                        new ImageRef(
                                spec,
                                administration.resize(spec, size, allowShrink, progress(reply)),
                                ImageRef.NO_SNAPSHOT),
                resized -> {
                    images.onChanged(resized);
                    LOG.info(
                            "resized {} to {} bytes for {}",
                            spec,
                            size,
                            reply.session().describe());
                    reply.done();
                },
                reply::fail);
    }

    void onRemove(Reply reply, String specText) {
        ImageSpec spec;
        try {
            spec = check(reply, "remove", specText);
        } catch (ErrnoException e) {
            reply.fail(e);
            return;
        }
        // what is called so now may be mapped by another name; what is broken cannot be identified
        workers.call(
                reply.origin(Lane.ofPool(spec.pool()), "looking for image " + spec),
                () -> administration.identify(spec),
                image -> whenUnused(reply, image),
                failure -> whenUnused(reply, ImageRef.named(spec)));
    }

    private void whenUnused(Reply reply, ImageRef image) {
        try {
            checkUnmapped(image);
        } catch (ErrnoException e) {
            reply.fail(e);
            return;
        }
        images.whenUnusedWithSnapshots(
                image, reply.guarded("a removal", () -> remove(reply, image)));
    }

    private void remove(Reply reply, ImageRef image) {
        ImageSpec spec = image.spec();
        try {
            checkUnmapped(image); // it may have been mapped while this waited
        } catch (ErrnoException e) {
            reply.fail(e);
            return;
        }
        workers.call(
                reply.origin(Lane.administration(spec.pool()), "removing image " + spec),
                () -> {
                    administration.remove(spec, progress(reply));
                    return spec;
                },
                removed -> {
                    LOG.info("removed {} for {}", spec, reply.session().describe());
                    reply.done();
                },
                reply::fail);
    }

    private void checkUnmapped(ImageRef image) throws ErrnoException {
        List<Mapping> mapped = map.findByImage(image);
        if (!mapped.isEmpty()) {
            throw new ErrnoException(
                    Errno.EBUSY,
                    "remove "
                            + image
                            + ": it is mapped at "
                            + mapped.getFirst().path()
                            + ", unmap it first");
        }
    }

    /** Passes progress on, a few times a second. */
    private ProgressListener progress(Reply reply) {
        long[] last = {System.nanoTime()};
        return (done, total) -> {
            long now = System.nanoTime();
            if (now - last[0] > PROGRESS_INTERVAL_NANOS) {
                last[0] = now;
                workers.post(() -> reply.progress(done, total));
            }
        };
    }

    private ImageSpec check(Reply reply, String what, String specText) throws ErrnoException {
        checkMayAdminister(reply, what + " " + ImageSpec.quote(specText));
        ImageSpec spec = MapHandler.parse(specText);
        if (spec.isSnapshot()) {
            throw new ErrnoException(
                    Errno.EINVAL, what + " " + spec + ": give the image without a snapshot");
        }
        return spec;
    }

    private void checkMayAdminister(Reply reply, String what) throws ErrnoException {
        if (!permissions.mayAdminister(reply.session().peer.uid())) {
            throw new ErrnoException(
                    Errno.EPERM, what + ": only root and the broker's own user may");
        }
    }

    private static void checkSize(String what, long size) throws ErrnoException {
        if (size < SECTOR || size > MAX_SIZE || size % SECTOR != 0) {
            throw new ErrnoException(
                    size > MAX_SIZE ? Errno.EFBIG : Errno.EINVAL,
                    what
                            + ": a size of "
                            + size
                            + " bytes is none (a multiple of "
                            + SECTOR
                            + ", at most 2 EiB)");
        }
    }
}
