package org.rbdwrapper.broker.store;

import org.rbdwrapper.ipc.posix.FileTimes;

import java.util.concurrent.atomic.AtomicLong;

/**
 * The times of an image whose store has no file of the host behind it, which would have its own.
 *
 * <p>A change is stamped when it is done and before it is answered, by the clock that the kernel
 * takes for files: so it is not newer than a file that is changed after the answer. Who is told a
 * time and then reads the image must see it move with whatever he has not read:
 *
 * <pre>
 *   who changes: it is done | t = clock, or told + 1 where that is not behind told | newest = t | answer
 *   who asks:    told = newest | is newest still that? else again | the answer is told
 * </pre>
 *
 * A change that was stamped by an older {@code told} was done before anyone could hear of the new
 * one. For the same reason a time never goes back, though the host's clock does.
 *
 * <p>Any thread; {@link #onChanged} and {@link #onRead} are the hot path and take no lock. The rest
 * is guarded by this object.
 */
public final class TimeKeeper {
    private static final long DAY = 86_400_000_000_000L;

    private final long created;
    private final AtomicLong newestChange;
    private volatile long told;
    private volatile long newestRead;
    private volatile boolean awaitsRead;

    private long accessed;
    private long modified;
    private long changed;
    private long settledChange;
    private long settledRead;

    public TimeKeeper(ImageTimes times) {
        created = times.created();
        accessed = times.accessed();
        modified = times.modified();
        changed = times.changed();
        settledChange = changed;
        newestChange = new AtomicLong(changed);
        told = changed;
    }

    /** The image was changed, and nobody has heard of it yet. */
    public void onChanged() {
        long now = FileTimes.now();
        long newest = newestChange.get();
        long floor = told;
        if (now <= floor) {
            if (newest > floor) {
                return; // stamped since anyone was told
            }
            now = floor + 1;
        }
        raise(now);
        if (!awaitsRead) {
            awaitsRead = true;
        }
    }

    /** Bytes of the image were read: noted once, until it is changed again or a day later. */
    public void onRead() {
        if (awaitsRead) {
            awaitsRead = false;
            newestRead = FileTimes.now();
        }
    }

    public synchronized ImageTimes times() {
        settle();
        awaitsRead |= isReadDue();
        return new ImageTimes(accessed, modified, changed, created);
    }

    /**
     * As utimensat(2).
     *
     * @param newAccessed nanoseconds since the epoch, or one of {@link FileTimes}' other values; as
     *     newModified.
     */
    public synchronized void set(long newAccessed, long newModified) {
        settle();
        changed = Math.max(FileTimes.now(), changed + 1);
        accessed = chosen(newAccessed, accessed);
        modified = chosen(newModified, modified);
        settle(); // what is changed from now on is newer
        awaitsRead = isReadDue();
    }

    /**
     * The image was changed by others.
     *
     * @param at when, by their clock; it becomes a time that is newer than all that was told.
     */
    public synchronized void onChangedElsewhere(long at) {
        settle();
        raise(Math.max(at, told + 1));
        settle();
    }

    private void settle() {
        long newest;
        do {
            newest = newestChange.get();
            told = Math.max(told, Math.max(newest, changed));
        } while (newest != newestChange.get());
        if (newest > settledChange) {
            settledChange = newest;
            modified = newest;
            changed = Math.max(changed, newest);
        }
        long read = newestRead;
        if (read > settledRead) {
            settledRead = read;
            accessed = read;
        }
    }

    private boolean isReadDue() {
        return accessed <= modified || accessed <= changed || FileTimes.now() - accessed >= DAY;
    }

    private long chosen(long time, long before) {
        if (time == FileTimes.OMIT) {
            return before;
        }
        return time == FileTimes.NOW ? changed : time;
    }

    private void raise(long stamp) {
        long newest = newestChange.get();
        while (newest < stamp && !newestChange.compareAndSet(newest, stamp)) {
            newest = newestChange.get();
        }
    }
}
