package org.rbdwrapper.broker.store.file;

import org.rbdwrapper.broker.DirectoryLock;
import org.rbdwrapper.broker.DurableFiles;
import org.rbdwrapper.broker.FileErrors;
import org.rbdwrapper.broker.OwnFolder;
import org.rbdwrapper.broker.store.ImageStore;
import org.rbdwrapper.broker.store.ImageTimes;
import org.rbdwrapper.broker.store.StoreConnection;
import org.rbdwrapper.broker.store.StoreImage;
import org.rbdwrapper.ipc.Errno;
import org.rbdwrapper.ipc.ErrnoException;
import org.rbdwrapper.ipc.ImageSpec;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ThreadLocalRandom;
import java.util.stream.Stream;

/**
 * The embedded store: one folder an image, with its bytes in a sparse file.
 *
 * <pre>
 *   DIR/POOL/NAMESPACE/IMAGE/data     the bytes
 *                           /meta     identity and time of creation
 *      /.unfinished-…                 an image that is being made or deleted
 *      /.lock                         held by the broker that uses DIR
 * </pre>
 *
 * Names are encoded by {@link FileNames}; the default namespace is the folder {@code @}. A pool and
 * a namespace come into being with their first image, and stay.
 *
 * <p>Any thread; the catalogue is guarded by this object, I/O takes no lock.
 */
public final class FileStore implements ImageStore {
    private static final Logger LOG = LoggerFactory.getLogger(FileStore.class);

    private static final String WHAT = "image directory";
    private static final String OTHERWISE = "choose another with --store file:DIR";

    private final Path directory;
    private final DirectoryLock lock;
    private final FileCalls calls;
    private final Map<ImageSpec, FileImage> open = new HashMap<>();
    private final TransferLane transfers = new TransferLane();
    private final FlushLane flushes = new FlushLane();

    private FileStore(Path directory, DirectoryLock lock, FileCalls calls) {
        this.directory = directory;
        this.lock = lock;
        this.calls = calls;
    }

    /**
     * @throws ErrnoException where the folder cannot be made or written, EBUSY where another broker
     *     uses it, EPERM where others than root and this user may change it.
     */
    public static FileStore open(Path directory) throws ErrnoException {
        return open(directory, new FileCalls());
    }

    static FileStore open(Path directory, FileCalls calls) throws ErrnoException {
        new OwnFolder(directory, WHAT, OTHERWISE).prepare("rwx------");
        DirectoryLock lock = DirectoryLock.acquire(directory, WHAT, OTHERWISE);
        try {
            Path absolute = directory.toAbsolutePath();
            DurableFiles.syncName(absolute);
            syncNames(absolute);
            deleteUnfinished(absolute);
            DurableFiles.makeDirectories(absolute.resolve(ImageSpec.DEFAULT_POOL));
            return new FileStore(absolute, lock, calls);
        } catch (IOException e) {
            lock.close();
            throw FileErrors.of(e, "image directory " + directory + " cannot be used");
        }
    }

    @Override
    public String describe() {
        return "file:" + directory;
    }

    @Override
    public StoreConnection connect(String name) {
        return new FileConnection(this);
    }

    @Override
    public void close() {
        transfers.close();
        flushes.close();
        try {
            lock.close();
        } catch (ErrnoException e) {
            LOG.warn("image directory {}: {}", directory, e.getMessage());
        }
    }

    StoreImage openImage(ImageSpec spec, boolean readOnly) throws ErrnoException {
        return new OpenFileImage(this, use(spec), transfers, flushes, readOnly);
    }

    synchronized void create(ImageSpec spec, long size) throws ErrnoException {
        ImageFolder folder = folder(spec);
        if (folder.exists()) {
            throw new ErrnoException(Errno.EEXIST, "image " + spec + " is there already");
        }
        try {
            folder.create(spec, size, unfinished());
        } catch (IOException e) {
            throw FileErrors.of(e, "image " + spec + " cannot be created");
        }
    }

    /** Without the catalogue's lock, as it waits for the disk and others' images are opened. */
    String resize(ImageSpec spec, long size, boolean allowShrink) throws ErrnoException {
        FileImage image = use(spec);
        try {
            image.resize(size, allowShrink);
            return image.id();
        } finally {
            onClosed(image);
        }
    }

    ImageTimes times(ImageSpec spec) throws ErrnoException {
        FileImage image = use(spec);
        try {
            return image.times();
        } finally {
            onClosed(image);
        }
    }

    void setTimes(ImageSpec spec, long accessed, long modified) throws ErrnoException {
        FileImage image = use(spec);
        try {
            image.setTimes(accessed, modified);
        } finally {
            onClosed(image);
        }
    }

    void remove(ImageSpec spec) throws ErrnoException {
        Path unfinished = unfinished();
        try {
            synchronized (this) {
                ImageFolder folder = existing(spec);
                if (open.containsKey(spec)) {
                    throw new ErrnoException(
                            Errno.EBUSY, "image " + spec + " cannot be removed, it is open");
                }
                folder.moveAway(unfinished);
            }
            DurableFiles.deleteTree(unfinished); // takes long where the image is large
        } catch (ErrnoException e) {
            throw e;
        } catch (IOException e) {
            throw FileErrors.of(e, "image " + spec + " cannot be removed");
        }
    }

    /** Sorted. An image whose description is damaged is left out, and the log says so. */
    synchronized List<String> list(String pool, String namespace) throws ErrnoException {
        checkPool(pool, namespace);
        List<String> names = new ArrayList<>();
        for (Path folder : imageFolders(namespaceFolder(pool, namespace))) {
            try {
                names.add(new ImageFolder(folder).meta().name());
            } catch (ErrnoException e) {
                LOG.warn("{} is not listed: {}", folder, e.getMessage());
            }
        }
        names.sort(null);
        return names;
    }

    synchronized void onClosed(FileImage image) throws ErrnoException {
        image.opens--;
        if (image.opens == 0) {
            open.remove(image.spec());
            image.closeFile();
        }
    }

    /** The folder of an image that is there. */
    ImageFolder existing(ImageSpec spec) throws ErrnoException {
        ImageFolder folder = folder(spec);
        if (!folder.exists()) {
            checkPool(spec.pool(), spec.namespace());
            throw new ErrnoException(Errno.ENOENT, "image " + spec.head() + " does not exist");
        }
        if (spec.isSnapshot()) {
            throw new ErrnoException(Errno.ENOENT, "snapshot " + spec + " does not exist");
        }
        return folder;
    }

    private Path namespaceFolder(String pool, String namespace) {
        return directory
                .resolve(FileNames.encode(pool))
                .resolve(
                        namespace.isEmpty()
                                ? FileNames.DEFAULT_NAMESPACE
                                : FileNames.encode(namespace));
    }

    private void checkPool(String pool, String namespace) throws ErrnoException {
        if (!Files.isDirectory(directory.resolve(FileNames.encode(pool)))) {
            throw new ErrnoException(Errno.ENOENT, "pool " + pool + " does not exist");
        }
        if (!namespace.isEmpty() && !Files.isDirectory(namespaceFolder(pool, namespace))) {
            throw new ErrnoException(
                    Errno.ENOENT, "namespace " + pool + "/" + namespace + " does not exist");
        }
    }

    /** The image's file, opened if it is not; {@link #onClosed} ends the use. */
    private synchronized FileImage use(ImageSpec spec) throws ErrnoException {
        FileImage image = open.get(spec);
        if (image == null) {
            image = new FileImage(spec, existing(spec), calls);
            open.put(spec, image);
        }
        image.opens++;
        return image;
    }

    private ImageFolder folder(ImageSpec spec) {
        return new ImageFolder(
                namespaceFolder(spec.pool(), spec.namespace())
                        .resolve(FileNames.encode(spec.image())));
    }

    private static List<Path> imageFolders(Path namespaceFolder) throws ErrnoException {
        if (!Files.isDirectory(namespaceFolder)) {
            return List.of(); // the default one, before its first image
        }
        try (Stream<Path> folders = Files.list(namespaceFolder)) {
            return folders.toList();
        } catch (IOException e) {
            throw FileErrors.of(e, "images in " + namespaceFolder + " cannot be listed");
        }
    }

    private Path unfinished() {
        String number = Long.toHexString(ThreadLocalRandom.current().nextLong());
        return directory.resolve(FileNames.UNFINISHED + number);
    }

    /**
     * A broker may have been killed when it had renamed an image and before that was durable. What
     * follows relies on it: bytes are flushed to images that came to their place, and those of
     * images that went from there are deleted.
     */
    private static void syncNames(Path directory) throws IOException {
        DurableFiles.sync(directory);
        for (Path pool : foldersIn(directory)) {
            if (!isUnfinished(pool)) {
                DurableFiles.sync(pool);
                for (Path namespace : foldersIn(pool)) {
                    DurableFiles.sync(namespace);
                }
            }
        }
    }

    /** Those that we cannot read, a mount point may have one, are not ours. */
    private static List<Path> foldersIn(Path folder) throws IOException {
        try (Stream<Path> entries = Files.list(folder)) {
            return entries.filter(e -> Files.isDirectory(e) && Files.isReadable(e)).toList();
        }
    }

    private static boolean isUnfinished(Path path) {
        return path.getFileName().toString().startsWith(FileNames.UNFINISHED);
    }

    /** What a crash has left. */
    private static void deleteUnfinished(Path directory) throws IOException {
        List<Path> left;
        try (Stream<Path> entries = Files.list(directory)) {
            left = entries.filter(FileStore::isUnfinished).toList();
        }
        for (Path path : left) {
            try {
                DurableFiles.deleteTree(path);
            } catch (IOException e) {
                LOG.warn("{} is not used any more and cannot be deleted: {}", path, e.toString());
            }
        }
    }
}
