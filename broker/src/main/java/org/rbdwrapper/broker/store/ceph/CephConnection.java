package org.rbdwrapper.broker.store.ceph;

import com.ceph.rados.IoCTX;
import com.ceph.rados.exceptions.RadosException;
import com.ceph.rbd.Rbd;
import com.ceph.rbd.RbdException;
import com.ceph.rbd.RbdImage;
import com.ceph.rbd.jna.RbdSnapInfo;
import com.sun.jna.Memory;
import com.sun.jna.Pointer;

import org.rbdwrapper.broker.store.ImageDetails;
import org.rbdwrapper.broker.store.ImageRef;
import org.rbdwrapper.broker.store.ImageTimes;
import org.rbdwrapper.broker.store.ImageTuning;
import org.rbdwrapper.broker.store.ProgressListener;
import org.rbdwrapper.broker.store.StoreConnection;
import org.rbdwrapper.broker.store.StoreImage;
import org.rbdwrapper.broker.store.TimeKeeper;
import org.rbdwrapper.ipc.Errno;
import org.rbdwrapper.ipc.ErrnoException;
import org.rbdwrapper.ipc.ImageSpec;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * One connection to a cluster, with messenger threads and sockets of its own. Any thread; pools are
 * kept open.
 */
final class CephConnection implements StoreConnection {
    private static final Logger LOG = LoggerFactory.getLogger(CephConnection.class);

    private final Map<String, IoCTX> pools = new HashMap<>();
    private final Set<CephImage> images = ConcurrentHashMap.newKeySet();
    private final CephStore store;
    private final String name;
    private final Cluster cluster;
    private final String clusterId;
    private final int[] ioThreads;
    private final Runnable forget;

    /** Held for reading while an image is opened, for writing to say that none will be any more. */
    private final AtomicBoolean lost = new AtomicBoolean();

    private final AtomicInteger openings = new AtomicInteger();
    private final AtomicBoolean ended = new AtomicBoolean();
    private volatile boolean retired;

    /**
     * @param name for the log.
     * @param clusterId its fsid.
     * @param ioThreads see {@link #ioThreads}.
     * @param forget called when it has ended: nothing of it can be under way any more.
     */
    CephConnection(
            CephStore store,
            String name,
            Cluster cluster,
            String clusterId,
            int[] ioThreads,
            Runnable forget) {
        this.store = store;
        this.name = name;
        this.cluster = cluster;
        this.clusterId = clusterId;
        this.ioThreads = ioThreads;
        this.forget = forget;
    }

    @Override
    public int[] ioThreads() {
        return ioThreads.clone();
    }

    @Override
    public StoreImage open(ImageSpec spec, boolean readOnly) throws ErrnoException {
        return open(ImageRef.named(spec), readOnly, ImageTuning.NONE);
    }

    /**
     * @param tuning that of the client.
     */
    @Override
    public StoreImage open(ImageRef ref, boolean readOnly, ImageTuning tuning)
            throws ErrnoException {
        openings.incrementAndGet();
        try {
            return openImage(ref, readOnly);
        } finally {
            openings.decrementAndGet();
            closeIfUnused();
        }
    }

    private StoreImage openImage(ImageRef ref, boolean readOnly) throws ErrnoException {
        ImageSpec spec = ref.spec();
        if (retired) {
            throw new ErrnoException(
                    Errno.ESHUTDOWN,
                    "image " + spec + " cannot be opened by a client that is lost");
        }
        Rbd rbd = rbd(spec.pool(), spec.namespace());
        boolean unchangeable = readOnly || spec.isSnapshot();
        RbdImage image = openWatched(rbd, ref, unchangeable);
        try {
            KeptTimes kept = spec.isSnapshot() ? null : keptTimes(spec, image);
            TimeKeeper times = kept == null ? new TimeKeeper(timesOf(ref, image)) : kept.keeper();
            CephImage opened = new CephImage(this, ref, rbd, image, unchangeable, times, kept);
            images.add(opened);
            store.opened(opened);
            return opened;
        } catch (CephCallException | RbdException e) {
            closeHandle(rbd, image, spec);
            throw CephErrors.of(e, "image " + spec + " cannot be opened");
        } catch (ErrnoException e) {
            closeHandle(rbd, image, spec);
            throw e;
        }
    }

    @Override
    public void create(ImageSpec spec, long size) throws ErrnoException {
        try {
            rbd(spec.pool(), spec.namespace()).create(spec.image(), size);
        } catch (RbdException e) {
            requireNamespace(spec.pool(), spec.namespace());
            boolean isTaken = e.getReturnValue() == -Errno.EEXIST.number();
            throw CephErrors.of(
                    e,
                    isTaken && isIncomplete(spec)
                            ? incomplete(spec)
                            : "image " + spec + " cannot be created");
        }
    }

    @Override
    public List<String> list(String pool, String namespace) throws ErrnoException {
        try {
            List<String> names = new ArrayList<>(Arrays.asList(rbd(pool, namespace).list()));
            names.sort(null);
            if (names.isEmpty()) {
                requireNamespace(pool, namespace); // librbd takes a missing one for an empty one
            }
            return names;
        } catch (RbdException e) {
            throw CephErrors.of(e, "the images of pool " + pool + " cannot be listed");
        }
    }

    @Override
    public ImageDetails describe(ImageSpec spec) throws ErrnoException {
        return describe(ImageRef.named(spec));
    }

    @Override
    public ImageRef identify(ImageSpec spec) throws ErrnoException {
        ImageRef named = ImageRef.named(spec);
        return withImage(
                named, "identified", (image, pointer) -> CephImage.identify(pointer, named), true);
    }

    @Override
    public ImageDetails describe(ImageRef ref) throws ErrnoException {
        ImageSpec spec = ref.spec();
        return withImage(
                ref,
                "described",
                (image, pointer) -> {
                    var info = image.stat();
                    return new ImageDetails(
                            info.size,
                            (int) info.obj_size,
                            image.snapList().size(),
                            LibRbd.features(pointer),
                            LibRbd.imageId(pointer),
                            LibRbd.blockNamePrefix(pointer),
                            spec.isSnapshot()
                                    ? timesOf(ref, image)
                                    : keptTimes(spec, image).keeper().times());
                },
                true);
    }

    @Override
    public String resize(ImageSpec spec, long size, boolean allowShrink, ProgressListener progress)
            throws ErrnoException {
        ImageRef named = ImageRef.named(spec);
        ImageRef resized =
                withImage(
                        named,
                        "resized to " + size + " bytes",
                        (image, pointer) -> {
                            if (image.stat().size > size && !allowShrink) {
                                throw new ErrnoException(
                                        Errno.EINVAL,
                                        "image "
                                                + spec
                                                + " would shrink: say so with --allow-shrink");
                            }
                            LibRbd.resize(pointer, size, allowShrink, progress);
                            keptTimes(spec, image).onChanged();
                            return CephImage.identify(pointer, named);
                        },
                        false);
        store.refreshSizes(resized);
        return resized.imageId();
    }

    @Override
    public void setTimes(ImageSpec spec, long accessed, long modified) throws ErrnoException {
        setTimes(identify(spec), accessed, modified);
    }

    @Override
    public void setTimes(ImageRef ref, long accessed, long modified) throws ErrnoException {
        ImageSpec spec = ref.spec();
        if (spec.isSnapshot()) {
            throw new ErrnoException(
                    Errno.EROFS, "times of " + spec + " cannot be set: it is a snapshot");
        }
        CephImage open = store.findOpen(ref);
        if (open != null) {
            open.setTimes(accessed, modified);
            return;
        }
        withImage(
                ref,
                "given other times",
                (image, pointer) -> {
                    keptTimes(spec, image).set(accessed, modified);
                    return image;
                },
                true);
    }

    /** As {@link LibRados#modifiedAtNanos}, of an image that is open here. */
    long modifiedAtNanos(ImageSpec spec, String imageId) throws ErrnoException, CephCallException {
        IoCTX pool = pool(spec.pool(), spec.namespace());
        return LibRados.modifiedAtNanos(Pointer.nativeValue(pool.getPointer()), imageId);
    }

    /** Of an image whose header was read just now. */
    private KeptTimes keptTimes(ImageSpec spec, RbdImage image)
            throws CephCallException, RbdException {
        String id = LibRbd.imageId(Pointer.nativeValue(image.getPointer()));
        return store.times().of(clusterId, spec, id, timesOf(ImageRef.named(spec), image));
    }

    /** As the header has them; a snapshot is as it was made. */
    private static ImageTimes timesOf(ImageRef ref, RbdImage image)
            throws CephCallException, RbdException {
        ImageSpec spec = ref.spec();
        long pointer = Pointer.nativeValue(image.getPointer());
        long created = LibRbd.createdAtNanos(pointer);
        long modified = Math.max(created, LibRbd.modifiedAtNanos(pointer));
        if (spec.isSnapshot()) {
            for (RbdSnapInfo snapshot : image.snapList()) {
                if (ref.isKnown()
                        ? snapshot.id == ref.snapshotId()
                        : snapshot.name.equals(spec.snap())) {
                    created = LibRbd.snapshotCreatedAtNanos(pointer, snapshot.id);
                    modified = created;
                }
            }
        }
        return new ImageTimes(
                Math.max(created, LibRbd.accessedAtNanos(pointer)), modified, modified, created);
    }

    @Override
    public void remove(ImageSpec spec, ProgressListener progress) throws ErrnoException {
        long pool = Pointer.nativeValue(pool(spec.pool(), spec.namespace()).getPointer());
        Optional<KeptTimes> kept = timesOfRemoved(spec);
        try {
            kept.ifPresent(KeptTimes::forget);
            LibRbd.remove(pool, spec.image(), progress);
            kept.ifPresent(store.times()::drop);
        } catch (CephCallException e) {
            if (e.result() == -Errno.ENOENT.number()) {
                kept.ifPresent(store.times()::drop);
                throw missing(spec, e);
            }
            kept.ifPresent(KeptTimes::rememberAgain);
            String why = "";
            if (e.result() == -Errno.EBUSY.number()) {
                why = ": it is open somewhere, or was until half a minute ago";
            } else if (e.result() == -Errno.ENOTEMPTY.number()) {
                why = ": it has snapshots, remove them first (rbd snap purge)";
            }
            throw CephErrors.of(e, "image " + spec + " cannot be removed" + why);
        }
    }

    /** None where it cannot be opened: what is not complete may be removed, too. */
    private Optional<KeptTimes> timesOfRemoved(ImageSpec spec) {
        try {
            return withImage(
                    ImageRef.named(spec),
                    "removed",
                    (image, pointer) -> Optional.of(keptTimes(spec, image)),
                    true);
        } catch (ErrnoException e) {
            LOG.debug("image {} is removed without its times: {}", spec, e.describe());
            return Optional.empty();
        }
    }

    /** Whether the cluster has blocklisted this client: nothing can be done through it any more. */
    boolean isLost() {
        return lost.get();
    }

    /**
     * Any thread: notes what a call's error number says of the client.
     *
     * @return whether it is blocklisted.
     */
    boolean isLostBy(Errno errno) {
        if (!errno.equals(Errno.ESHUTDOWN)) {
            return false;
        }
        if (lost.compareAndSet(false, true)) {
            LOG.warn(
                    "the cluster has blocklisted the Ceph client of {} (ceph osd blocklist ls; by"
                        + " an administrator, or another host that took an exclusive lock from it):"
                        + " I/O on images that are open through it fails with ESHUTDOWN until they"
                        + " are opened again, which makes a new client",
                    name);
        }
        return true;
    }

    /**
     * Nothing is opened any more; ends with the last image that is open or being opened. That may
     * take as long as a pool does not answer: by a thread of its own, which keeps nobody waiting.
     */
    void closeWhenUnused() {
        retired = true;
        Thread.ofPlatform().daemon().name("connection-end").start(this::closeIfUnused);
    }

    /** An opening counts before it looks whether it may be made. */
    private void closeIfUnused() {
        if (retired && openings.get() == 0 && images.isEmpty()) {
            close();
        }
    }

    /** Images that are still open are closed first: librbd would go on using what is freed here. */
    @Override
    public void close() {
        if (!ended.compareAndSet(false, true)) {
            return;
        }
        for (CephImage image : images) {
            try {
                image.close();
            } catch (ErrnoException e) {
                LOG.warn("at the end of a connection: {}", e.getMessage());
            }
        }
        synchronized (pools) {
            pools.values().forEach(cluster::ioCtxDestroy);
            pools.clear();
        }
        cluster.shutDown();
        forget.run();
    }

    /** From {@link CephImage#close}. */
    void closed(CephImage image) {
        images.remove(image);
        store.forget(image);
        closeIfUnused();
    }

    private <T> T withImage(ImageRef ref, String what, ImageCall<T> call, boolean readOnly)
            throws ErrnoException {
        ImageSpec spec = ref.spec();
        Rbd rbd = rbd(spec.pool(), spec.namespace());
        RbdImage image = openHandle(rbd, ref, readOnly);
        try {
            return call.on(image, Pointer.nativeValue(image.getPointer()));
        } catch (RbdException | CephCallException e) {
            throw CephErrors.of(e, "image " + spec + " cannot be " + what);
        } finally {
            closeHandle(rbd, image, spec);
        }
    }

    /**
     * For readers, too, a handle that could write: librbd gives no watcher to one that is opened
     * read-only, which then never sees a new size, whose image can be removed under it, and which
     * goes on to read what a snapshot that was removed does not hold any more, instead of failing
     * with ENOENT. {@link CephImage} refuses what a reader may not do. A key that may not watch has
     * to do without.
     */
    private RbdImage openWatched(Rbd rbd, ImageRef ref, boolean readOnly) throws ErrnoException {
        try {
            return openHandle(rbd, ref, false);
        } catch (ErrnoException e) {
            if (readOnly && (e.errno().equals(Errno.EPERM) || e.errno().equals(Errno.EROFS))) {
                return openHandle(rbd, ref, true);
            }
            throw e;
        }
    }

    private RbdImage openHandle(Rbd rbd, ImageRef ref, boolean readOnly) throws ErrnoException {
        return ref.isKnown() ? openById(rbd, ref, readOnly) : openHandle(rbd, ref.spec(), readOnly);
    }

    /** Wherever its name has gone, but not into the trash, from which it may be purged. */
    private RbdImage openById(Rbd rbd, ImageRef ref, boolean readOnly) throws ErrnoException {
        ImageSpec spec = ref.spec();
        long pool = Pointer.nativeValue(pool(spec.pool(), spec.namespace()).getPointer());
        RbdImage image;
        try {
            Memory pointer = new Memory(Long.BYTES); // rados-java keeps where librbd's is
            pointer.setLong(0, LibRbd.openById(pool, ref.imageId(), readOnly));
            image = new RbdImage(pointer, spec.image());
        } catch (CephCallException e) {
            throw e.result() == -Errno.ENOENT.number() ? gone(ref, e) : cannotOpen(spec, e);
        }
        try {
            if (LibRbd.isInTrash(pool, ref.imageId())) {
                throw new ErrnoException(
                        Errno.ENOENT,
                        "image "
                                + spec.head()
                                + ", as it was called when it was mapped, is in the trash (rbd"
                                + " trash restore "
                                + ref.imageId()
                                + " brings it back)");
            }
            if (spec.isSnapshot()) {
                LibRbd.setSnapshot(Pointer.nativeValue(image.getPointer()), ref.snapshotId());
            }
            return image;
        } catch (CephCallException e) {
            closeHandle(rbd, image, spec);
            throw CephErrors.of(
                    e, "image " + spec + ": the image does not have the snapshot that was mapped");
        } catch (ErrnoException e) {
            closeHandle(rbd, image, spec);
            throw e;
        }
    }

    /** Why there is no image of this identity. */
    private ErrnoException gone(ImageRef ref, Exception cause) {
        ErrnoException gone =
                CephErrors.of(
                        cause, "image " + ref.spec().head() + ", which was mapped, does not exist");
        try {
            return identify(ref.spec().head()).equals(ref.head())
                    ? gone // it is being removed
                    : StoreConnection.stale(ref);
        } catch (ErrnoException e) {
            return gone; // nobody has its name
        }
    }

    private static ErrnoException cannotOpen(ImageSpec spec, Exception cause) {
        ErrnoException failure = CephErrors.of(cause, "image " + spec + " cannot be opened");
        return failure.errno().equals(Errno.ENOSYS)
                ? CephErrors.of(
                        cause,
                        "image "
                                + spec
                                + " cannot be opened (is what its or its pool's setting rbd_plugins"
                                + " names installed here?)")
                : failure;
    }

    private RbdImage openHandle(Rbd rbd, ImageSpec spec, boolean readOnly) throws ErrnoException {
        String snap = spec.isSnapshot() ? spec.snap() : null;
        try {
            if (readOnly) {
                return snap == null
                        ? rbd.openReadOnly(spec.image())
                        : rbd.openReadOnly(spec.image(), snap);
            }
            return snap == null ? rbd.open(spec.image()) : rbd.open(spec.image(), snap);
        } catch (RbdException e) {
            if (e.getReturnValue() == -Errno.ENOENT.number()) {
                throw missing(spec, e);
            }
            throw cannotOpen(spec, e);
        }
    }

    /** Which part of the spec librbd's ENOENT speaks of. */
    private ErrnoException missing(ImageSpec spec, Exception cause) throws ErrnoException {
        requireNamespace(spec.pool(), spec.namespace());
        if (spec.isSnapshot()) {
            Rbd rbd = rbd(spec.pool(), spec.namespace());
            closeHandle(rbd, openHandle(rbd, spec.head(), true), spec.head());
            return CephErrors.of(cause, "image " + spec + ": the image has no such snapshot");
        }
        return CephErrors.of(
                cause, isListed(spec) ? incomplete(spec) : "image " + spec + " does not exist");
    }

    /**
     * librbd creates an image in steps of which the name in the pool's directory is the first, and
     * removes it with that as the last: a broker, or an rbd command, that is killed in between
     * leaves a name that can neither be opened nor created. Who is at it just now cannot be told
     * from who was killed, so that is left to the user.
     */
    private static String incomplete(ImageSpec spec) {
        return "image "
                + spec
                + " is not complete: it is being created or removed, or that was broken off (then"
                + " remove it, which works, and create it anew)";
    }

    private boolean isIncomplete(ImageSpec spec) throws ErrnoException {
        Rbd rbd = rbd(spec.pool(), spec.namespace());
        try {
            closeHandle(rbd, rbd.openReadOnly(spec.image()), spec);
            return false;
        } catch (RbdException e) {
            return e.getReturnValue() == -Errno.ENOENT.number();
        }
    }

    /** False where it cannot be known, too: this is only asked to explain another error. */
    private boolean isListed(ImageSpec spec) throws ErrnoException {
        try {
            return Arrays.asList(rbd(spec.pool(), spec.namespace()).list()).contains(spec.image());
        } catch (RbdException e) {
            LOG.debug("the images beside {} cannot be listed: {}", spec, e.toString());
            return false;
        }
    }

    /**
     * Says nothing where it cannot be known: a key for one namespace alone may not ask.
     *
     * @throws ErrnoException ENOENT where the namespace does not exist.
     */
    private void requireNamespace(String pool, String namespace) throws ErrnoException {
        if (!namespace.isEmpty()
                && LibRbd.namespaceIsMissing(
                        Pointer.nativeValue(pool(pool, "").getPointer()), namespace)) {
            throw new ErrnoException(
                    Errno.ENOENT, "pool " + pool + " has no namespace " + namespace);
        }
    }

    private void closeHandle(Rbd rbd, RbdImage image, ImageSpec spec) throws ErrnoException {
        try {
            rbd.close(image);
        } catch (RbdException e) {
            throw CephErrors.of(e, "image " + spec + " cannot be closed");
        }
    }

    private Rbd rbd(String pool, String namespace) throws ErrnoException {
        return new Rbd(pool(pool, namespace));
    }

    private IoCTX pool(String pool, String namespace) throws ErrnoException {
        synchronized (pools) {
            IoCTX open = pools.get(pool + "/" + namespace);
            if (open == null) {
                try {
                    open = cluster.ioCtxCreate(pool);
                } catch (RadosException e) {
                    boolean missing = e.getReturnValue() == -Errno.ENOENT.number();
                    throw CephErrors.of(
                            e,
                            "pool " + pool + (missing ? " does not exist" : " cannot be opened"));
                }
                if (!namespace.isEmpty()) {
                    open.setNamespace(namespace);
                }
                pools.put(pool + "/" + namespace, open);
            }
            return open;
        }
    }

    /** What is done with an open image. */
    @FunctionalInterface
    private interface ImageCall<T> {
        T on(RbdImage image, long pointer) throws RbdException, CephCallException, ErrnoException;
    }
}
