package org.rbdwrapper.broker.store.ceph;

import org.rbdwrapper.broker.store.ImageTimes;
import org.rbdwrapper.broker.store.TimeKeeper;

import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

/**
 * The times of one image: what this host's clients did to it, to the nanosecond, and what the
 * image's header tells of other hosts. librbd writes there when an image was changed, but not at
 * each change: every {@code rbd_mtime_update_interval}, 60 s. It does so for our changes, too, by
 * the clock of the OSD: such a time is known by that which our instance has of the same update.
 *
 * <p>Any thread; guarded by this object but for the {@link TimeKeeper}. Nothing here calls out with
 * the lock held.
 */
final class KeptTimes {
    /** By how much the clocks of two hosts of a cluster may differ, and an update may be late. */
    private static final long SAME_UPDATE_NANOS = 5_000_000_000L;

    private static final long NONE = 0;

    private final TimesFile file;
    private final TimeKeeper keeper;
    private final List<CephImage> writers = new CopyOnWriteArrayList<>();
    private long header;
    private long lastUpdate; // of ours

    /** Our last one, until it has been seen in the header; NONE: it has. */
    private long ownUpdate;

    private int openings;

    /** The file is gone, and stays away unless the image does not go after all. */
    private boolean isForgotten;

    /**
     * @param header as {@link #onHeader} has it.
     */
    KeptTimes(TimesFile file, ImageTimes times, long header, long ownUpdate) {
        this.file = file;
        this.keeper = new TimeKeeper(times);
        this.header = header;
        this.ownUpdate = ownUpdate;
        this.lastUpdate = ownUpdate;
    }

    TimeKeeper keeper() {
        return keeper;
    }

    /** Returns when what follows would be known of if this host died: blocks on the disk. */
    void beginWriting(CephImage writer) {
        writers.add(writer);
        begin();
    }

    /**
     * @param update when the instance has last updated the header; 0: it has not.
     */
    void endWriting(CephImage writer, long update) {
        writers.remove(writer);
        noteOwn(update);
        end();
    }

    /** It was changed by other means than an instance's requests. Blocks on the disk. */
    void onChanged() {
        begin();
        keeper.onChanged();
        end();
    }

    /** As utimensat(2). */
    synchronized void set(long accessed, long modified) {
        keeper.set(accessed, modified);
        if (openings == 0) {
            save();
        }
    }

    /**
     * Not with an image's lock.
     *
     * @param found when the image was changed, nanoseconds since the epoch, as its header has it.
     */
    void onHeader(long found) {
        for (CephImage writer : writers) {
            noteOwn(writer.updatedAt());
        }
        synchronized (this) {
            if (found <= header) {
                return;
            }
            header = found;
            boolean isOwn = ownUpdate != NONE && Math.abs(found - ownUpdate) <= SAME_UPDATE_NANOS;
            if (isOwn) {
                ownUpdate = NONE; // the next one near it is another's
            } else {
                keeper.onChangedElsewhere(found);
            }
            if (openings == 0) {
                save();
            }
        }
    }

    /**
     * The image is about to be removed. Its file goes first: a process that ends during the removal
     * would leave it for ever, for who removes the rest of such an image cannot open it to learn
     * whose the file is. Nor does it come again with the end of a writer that is still closing.
     */
    synchronized void forget() {
        isForgotten = true;
        file.delete();
    }

    /** The image was not removed. Blocks on the disk. */
    synchronized void rememberAgain() {
        isForgotten = false;
        file.writeDurably(record(openings > 0));
    }

    private synchronized void noteOwn(long update) {
        if (update > lastUpdate) {
            lastUpdate = update;
            ownUpdate = update;
        }
    }

    private synchronized void begin() {
        openings++;
        if (openings == 1 && !isForgotten) {
            file.writeDurably(record(true));
        }
    }

    private synchronized void end() {
        openings--;
        if (openings == 0) {
            save();
        }
    }

    private void save() {
        if (!isForgotten) {
            file.write(record(false));
        }
    }

    private TimesFile.Kept record(boolean isOpen) {
        return new TimesFile.Kept(isOpen, keeper.times(), header, ownUpdate);
    }
}
