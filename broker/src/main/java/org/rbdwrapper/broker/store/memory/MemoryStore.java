package org.rbdwrapper.broker.store.memory;

import org.rbdwrapper.broker.store.ImageDetails;
import org.rbdwrapper.broker.store.ImageStore;
import org.rbdwrapper.broker.store.ProgressListener;
import org.rbdwrapper.broker.store.StoreConnection;
import org.rbdwrapper.broker.store.StoreImage;
import org.rbdwrapper.ipc.Errno;
import org.rbdwrapper.ipc.ErrnoException;
import org.rbdwrapper.ipc.ImageSpec;
import org.rbdwrapper.ipc.posix.FileTimes;

import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ThreadLocalRandom;

/**
 * Images in the broker's memory, gone with it: to measure the path without a disk behind it.
 *
 * <p>Any thread; the catalogue is guarded by this object, I/O takes no lock.
 */
public final class MemoryStore implements ImageStore {
    private final Map<String, MemoryImage> images = new TreeMap<>();

    /** {@code pool} and {@code pool/namespace}: they come with their first image, and stay. */
    private final Set<String> pools = new HashSet<>(Set.of(ImageSpec.DEFAULT_POOL));

    @Override
    public String describe() {
        return "memory";
    }

    @Override
    public StoreConnection connect(String name) {
        return new Connection();
    }

    @Override
    public synchronized void close() {
        for (MemoryImage image : images.values()) {
            image.free();
        }
        images.clear();
    }

    private synchronized MemoryImage find(ImageSpec spec) throws ErrnoException {
        MemoryImage image = images.get(spec.head().toString());
        if (image == null) {
            checkPool(spec.pool(), spec.namespace());
            throw new ErrnoException(Errno.ENOENT, "image " + spec.head() + " does not exist");
        }
        if (spec.isSnapshot()) {
            throw new ErrnoException(Errno.ENOENT, "snapshot " + spec + " does not exist");
        }
        return image;
    }

    private synchronized void checkPool(String pool, String namespace) throws ErrnoException {
        if (!pools.contains(pool)) {
            throw new ErrnoException(Errno.ENOENT, "pool " + pool + " does not exist");
        }
        if (!namespace.isEmpty() && !pools.contains(pool + "/" + namespace)) {
            throw new ErrnoException(
                    Errno.ENOENT, "namespace " + pool + "/" + namespace + " does not exist");
        }
    }

    private final class Connection implements StoreConnection {
        @Override
        public StoreImage open(ImageSpec spec, boolean readOnly) throws ErrnoException {
            synchronized (MemoryStore.this) {
                MemoryImage image = find(spec);
                image.opens++;
                return new OpenMemoryImage(image, MemoryStore.this, readOnly);
            }
        }

        @Override
        public void create(ImageSpec spec, long size) throws ErrnoException {
            synchronized (MemoryStore.this) {
                if (images.containsKey(spec.toString())) {
                    throw new ErrnoException(Errno.EEXIST, "image " + spec + " is there already");
                }
                String id = String.format("%016x", ThreadLocalRandom.current().nextLong());
                pools.add(spec.pool());
                pools.add(spec.pool() + "/" + spec.namespace());
                images.put(spec.toString(), new MemoryImage(spec, id, size, FileTimes.now()));
            }
        }

        @Override
        public List<String> list(String pool, String namespace) throws ErrnoException {
            synchronized (MemoryStore.this) {
                checkPool(pool, namespace);
                return images.values().stream()
                        .map(image -> image.spec)
                        .filter(
                                spec ->
                                        spec.pool().equals(pool)
                                                && spec.namespace().equals(namespace))
                        .map(ImageSpec::image)
                        .sorted()
                        .toList();
            }
        }

        @Override
        public ImageDetails describe(ImageSpec spec) throws ErrnoException {
            MemoryImage image = find(spec);
            return new ImageDetails(
                    image.size(), MemoryImage.CHUNK, 0, 0, image.id, "", image.times.times());
        }

        @Override
        public String resize(
                ImageSpec spec, long size, boolean allowShrink, ProgressListener progress)
                throws ErrnoException {
            synchronized (MemoryStore.this) {
                MemoryImage image = find(spec);
                if (size < image.size() && !allowShrink) {
                    throw new ErrnoException(
                            Errno.EINVAL,
                            "image " + spec + " would shrink, say so with --allow-shrink");
                }
                image.resize(size);
                return image.id;
            }
        }

        @Override
        public void setTimes(ImageSpec spec, long accessed, long modified) throws ErrnoException {
            find(spec).times.set(accessed, modified);
        }

        @Override
        public void remove(ImageSpec spec, ProgressListener progress) throws ErrnoException {
            synchronized (MemoryStore.this) {
                MemoryImage image = find(spec);
                if (image.opens > 0) {
                    throw new ErrnoException(
                            Errno.EBUSY, "image " + spec + " cannot be removed, it is open");
                }
                images.remove(spec.toString());
                image.free();
            }
        }

        @Override
        public void close() {
            // nothing is held
        }
    }
}
