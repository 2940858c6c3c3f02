package org.rbdwrapper.broker.store.ceph;

import static java.nio.charset.StandardCharsets.UTF_8;

import org.rbdwrapper.broker.store.ImageTimes;
import org.rbdwrapper.ipc.ImageSpec;
import org.rbdwrapper.ipc.posix.FileTimes;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Stream;

/** The times of images, by their identity: one object for each image that was asked for. */
final class TimesFolder {
    private static final Logger LOG = LoggerFactory.getLogger(TimesFolder.class);

    /**
     * So many files stay at a broker's start: those of images that were removed elsewhere are never
     * asked for again.
     */
    static final int MOST_FILES = 16_384;

    private final Path folder;
    private final long startedAt = FileTimes.now();
    private final Map<String, KeptTimes> images = new ConcurrentHashMap<>();

    /**
     * @param folder in the state directory, whose lock its user holds; made when it is first
     *     needed. Null: nothing is kept.
     */
    TimesFolder(Path folder) {
        this(folder, MOST_FILES);
    }

    TimesFolder(Path folder, int mostFiles) {
        this.folder = folder;
        if (folder != null && Files.isDirectory(folder)) {
            try {
                deleteOldest(mostFiles);
            } catch (IOException | UncheckedIOException e) {
                LOG.warn("the times of images in {} are not cleared up: {}", folder, e.toString());
            }
        }
    }

    /** So many stay; a look at each only where there are more. */
    private void deleteOldest(int mostFiles) throws IOException {
        List<Path> files;
        try (Stream<Path> list = Files.list(folder)) {
            files = list.toList();
        }
        if (files.size() <= mostFiles) {
            return;
        }
        Map<Path, FileTime> written = new HashMap<>();
        for (Path file : files) {
            written.put(file, Files.getLastModifiedTime(file));
        }
        List<Path> oldestFirst = files.stream().sorted(Comparator.comparing(written::get)).toList();
        for (Path file : oldestFirst.subList(0, files.size() - mostFiles)) {
            Files.deleteIfExists(file);
        }
    }

    /**
     * Those of an image as it is found now. Blocks on the disk. Not with an image's lock.
     *
     * @param cluster its fsid.
     * @param header what the image's header says; its time of change is when anyone has last
     *     changed the image's bytes.
     */
    KeptTimes of(String cluster, ImageSpec spec, String imageId, ImageTimes header) {
        String key = key(cluster, spec, imageId);
        KeptTimes kept = images.get(key);
        if (kept != null) {
            kept.onHeader(header.modified());
            return kept;
        }
        return images.computeIfAbsent(key, k -> load(k, header));
    }

    /** Their image was removed, and they were told to {@link KeptTimes#forget}. */
    void drop(KeptTimes kept) {
        images.values().remove(kept);
    }

    private KeptTimes load(String key, ImageTimes header) {
        TimesFile file = file(key);
        TimesFile.Kept record = file.read();
        if (record == null) {
            return new KeptTimes(file, header, header.modified(), 0);
        }
        if (record.isOpen()) {
            // a broker died that had it open: nobody knows when it was last changed before that
            long last = Math.max(startedAt, header.modified());
            ImageTimes times =
                    new ImageTimes(record.times().accessed(), last, last, header.created());
            file.write(new TimesFile.Kept(false, times, header.modified(), 0));
            return new KeptTimes(file, times, header.modified(), 0);
        }
        ImageTimes times = record.times();
        KeptTimes kept = new KeptTimes(file, times, record.header(), record.ownUpdate());
        kept.onHeader(header.modified());
        return kept;
    }

    private TimesFile file(String key) {
        return new TimesFile(
                folder == null
                        ? null
                        : folder.resolve(UUID.nameUUIDFromBytes(key.getBytes(UTF_8)).toString()));
    }

    private static String key(String cluster, ImageSpec spec, String imageId) {
        return cluster + "/" + spec.pool() + "/" + spec.namespace() + "/" + imageId;
    }
}
