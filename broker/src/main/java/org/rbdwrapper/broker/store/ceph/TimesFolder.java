package org.rbdwrapper.broker.store.ceph;

import static java.nio.charset.StandardCharsets.UTF_8;

import org.rbdwrapper.broker.store.ImageTimes;
import org.rbdwrapper.ipc.ImageSpec;
import org.rbdwrapper.ipc.posix.FileTimes;

import java.nio.file.Path;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;

/** The times of images, by their identity: one object for each image that was asked for. */
final class TimesFolder {
    private final Path folder;
    private final long startedAt = FileTimes.now();
    private final Map<String, KeptTimes> images = new ConcurrentHashMap<>();

    /**
     * @param folder in the state directory, whose lock its user holds; made when it is first
     *     needed. Null: nothing is kept.
     */
    TimesFolder(Path folder) {
        this.folder = folder;
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

    /** The image was removed. */
    void forget(String cluster, ImageSpec spec, String imageId) {
        String key = key(cluster, spec, imageId);
        images.remove(key);
        file(key).delete();
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
