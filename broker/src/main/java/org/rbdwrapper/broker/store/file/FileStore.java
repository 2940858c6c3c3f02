package org.rbdwrapper.broker.store.file;

import org.rbdwrapper.broker.FileErrors;
import org.rbdwrapper.broker.store.ImageDetails;
import org.rbdwrapper.broker.store.ImageStore;
import org.rbdwrapper.broker.store.ProgressListener;
import org.rbdwrapper.broker.store.StoreConnection;
import org.rbdwrapper.broker.store.StoreImage;
import org.rbdwrapper.ipc.Errno;
import org.rbdwrapper.ipc.ErrnoException;
import org.rbdwrapper.ipc.ImageSpec;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * The embedded store: one folder an image, with its bytes in a sparse file.
 *
 * <pre>
 *   DIR/pool/namespace/image/data         the bytes
 *                            /meta        identity and time of creation; there is no image without it
 * </pre>
 *
 * Names are encoded by {@link FileNames}; the default namespace is the folder {@code @}. An image
 * comes into being by the rename of a folder that is complete, and goes by a rename before its data
 * is deleted: no crash leaves half of one.
 *
 * <p>Any thread; the catalogue is guarded by this object, I/O takes no lock.
 */
public final class FileStore implements ImageStore {
    /** What large transfers, flushes and discards may take of the host. */
    private static final int THREADS = 4;

    private final Path directory;
    private final Map<ImageSpec, FileImage> open = new HashMap<>();
    private final ExecutorService slow;

    private FileStore(Path directory) {
        this.directory = directory;
        AtomicInteger count = new AtomicInteger();
        this.slow =
                Executors.newFixedThreadPool(
                        THREADS,
                        task ->
                                Thread.ofPlatform()
                                        .daemon()
                                        .name("file-store-" + count.getAndIncrement())
                                        .unstarted(task));
    }

    /**
     * @throws ErrnoException where the folder cannot be made.
     */
    public static FileStore open(Path directory) throws ErrnoException {
        try {
            if (!Files.isDirectory(directory)) {
                Files.createDirectories(directory);
                Files.setPosixFilePermissions(
                        directory, PosixFilePermissions.fromString("rwx------"));
            }
            FileStore store = new FileStore(directory.toAbsolutePath());
            store.sweep();
            return store;
        } catch (IOException e) {
            throw FileErrors.of(e, "the image directory " + directory + " cannot be used");
        }
    }

    @Override
    public String describe() {
        return "file:" + directory;
    }

    @Override
    public StoreConnection connect(String name) {
        return new Connection();
    }

    @Override
    public void close() {
        slow.shutdown();
    }

    synchronized void onClosed(FileImage image) throws ErrnoException {
        if (--image.opens == 0) {
            open.remove(image.spec());
            image.closeFile();
        }
    }

    private Path folder(ImageSpec spec) {
        return folder(spec.pool(), spec.namespace()).resolve(FileNames.encode(spec.image()));
    }

    private Path folder(String pool, String namespace) {
        return directory
                .resolve(FileNames.encode(pool))
                .resolve(
                        namespace.isEmpty()
                                ? FileNames.DEFAULT_NAMESPACE
                                : FileNames.encode(namespace));
    }

    private Path existing(ImageSpec spec) throws ErrnoException {
        if (spec.isSnapshot()) {
            throw new ErrnoException(
                    Errno.ENOENT, "image " + spec + ": the image has no such snapshot");
        }
        Path folder = folder(spec);
        if (!Files.exists(folder.resolve(ImageMeta.FILE_NAME))) {
            String what =
                    Files.isDirectory(directory.resolve(FileNames.encode(spec.pool())))
                            ? "image "
                            : "pool of image ";
            throw new ErrnoException(Errno.ENOENT, what + spec + " does not exist");
        }
        return folder;
    }

    /** Removes what a crash has left of images that were being made or removed. */
    private void sweep() throws IOException {
        List<Path> left = new ArrayList<>();
        try (var paths = Files.walk(directory, 3)) {
            paths.filter(path -> path.getFileName().toString().startsWith(FileNames.UNFINISHED))
                    .forEach(left::add);
        }
        for (Path path : left) {
            FileNames.deleteTree(path);
        }
    }

    private final class Connection implements StoreConnection {
        @Override
        public StoreImage open(ImageSpec spec, boolean readOnly) throws ErrnoException {
            synchronized (FileStore.this) {
                FileImage image = open.get(spec);
                if (image == null) {
                    image = new FileImage(spec, existing(spec), slow);
                    open.put(spec, image);
                }
                image.opens++;
                return new OpenFileImage(FileStore.this, image);
            }
        }

        @Override
        public void create(ImageSpec spec, long size) throws ErrnoException {
            synchronized (FileStore.this) {
                Path folder = folder(spec);
                if (Files.exists(folder)) {
                    throw new ErrnoException(Errno.EEXIST, "image " + spec + " exists already");
                }
                FileImage.create(spec, folder, size);
            }
        }

        @Override
        public List<String> list(String pool, String namespace) throws ErrnoException {
            Path folder = folder(pool, namespace);
            List<String> names = new ArrayList<>();
            if (!Files.isDirectory(folder)) {
                if (namespace.isEmpty() && pool.equals(ImageSpec.DEFAULT_POOL)) {
                    return names; // it is always there, also before its first image
                }
                throw new ErrnoException(
                        Errno.ENOENT,
                        "pool "
                                + pool
                                + (namespace.isEmpty() ? "" : "/" + namespace)
                                + " does not exist");
            }
            try (DirectoryStream<Path> images = Files.newDirectoryStream(folder)) {
                for (Path image : images) {
                    if (Files.exists(image.resolve(ImageMeta.FILE_NAME))) {
                        names.add(ImageMeta.read(image).name());
                    }
                }
            } catch (IOException e) {
                throw FileErrors.of(e, "pool " + pool + " cannot be listed");
            }
            names.sort(null);
            return names;
        }

        @Override
        public ImageDetails describe(ImageSpec spec) throws ErrnoException {
            Path folder = existing(spec);
            ImageMeta meta = ImageMeta.read(folder);
            try {
                long size = Files.size(folder.resolve(FileImage.DATA_FILE_NAME));
                return new ImageDetails(
                        size, FileImage.OBJECT_SIZE, 0, 0, meta.createdAtNanos(), meta.id(), "");
            } catch (IOException e) {
                throw FileErrors.of(e, "image " + spec + " cannot be read");
            }
        }

        @Override
        public void resize(
                ImageSpec spec, long size, boolean allowShrink, ProgressListener progress)
                throws ErrnoException {
            try (OpenFileImage image = (OpenFileImage) open(spec, false)) {
                if (size < image.size() && !allowShrink) {
                    throw new ErrnoException(
                            Errno.EINVAL,
                            "image " + spec + " would shrink: say so with --allow-shrink");
                }
                image.resize(size);
            }
        }

        @Override
        public void remove(ImageSpec spec, ProgressListener progress) throws ErrnoException {
            synchronized (FileStore.this) {
                Path folder = existing(spec);
                if (open.containsKey(spec)) {
                    throw new ErrnoException(Errno.EBUSY, "image " + spec + " is open");
                }
                FileImage.remove(spec, folder);
            }
        }

        @Override
        public void close() {
            // nothing is held
        }
    }
}
