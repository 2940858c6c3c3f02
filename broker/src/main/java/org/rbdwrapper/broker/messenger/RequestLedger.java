package org.rbdwrapper.broker.messenger;

import org.agrona.concurrent.AtomicBuffer;
import org.agrona.concurrent.UnsafeBuffer;

import java.util.BitSet;
import java.util.HashSet;
import java.util.Set;

/**
 * Where the requests of a session's handles are counted: for a session that will come back in a
 * page of a file, so that the next broker knows what this session had open when this one died,
 * whether it had requests, or changes in a cache that were not flushed.
 *
 * <pre>
 *      0         112    120       124    128        136      144      152     192        200       256
 *      +---------+------+---------+------+----------+--------+--------+-------+----------+---------+-...
 *      | the     |newest|uncounted|cached| submitted| changed| mapping| origin| completed| flushed | 30
 *      | roster's| i64  |u32      |u32   | i64      | i64    |i64     | i64   | i64      | i64, pad| more
 *      +---------+------+---------+------+----------+--------+--------+-------+----------+---------+-...
 * </pre>
 *
 * <p>Handles beyond those 31 are counted elsewhere; then {@code uncounted} is not 0, the session is
 * taken for one that has requests, and of their mappings only the {@code newest} is known, and, by
 * a bit each, through which of them there may be unflushed changes: {@code cached}. Each counter is
 * written by one side of a handle, the rest by the conductor.
 */
public final class RequestLedger {
    public static final int PAGE_LENGTH = 4096;

    /** Bytes of the page that the roster has for itself. */
    public static final int ROSTER_LENGTH = 112;

    private static final int NEWEST_OFFSET = ROSTER_LENGTH;
    private static final int UNCOUNTED_OFFSET = 120;
    private static final int CACHED_OFFSET = 124;

    private static final int SLOT_LENGTH = 128;

    /** In a slot: of either side in a cache line of its own. */
    static final int SUBMITTED_OFFSET = 0;

    /** Changes of an image with a cache. */
    static final int CHANGED_OFFSET = 8;

    /** Through which the handle was opened: see {@link #opened}; 0 where it is not open. */
    private static final int MAPPING_OFFSET = 16;

    /** Through which it was opened last, also where it is not open any more. */
    private static final int ORIGIN_OFFSET = 24;

    static final int COMPLETED_OFFSET = 64;

    /** Those of them that a flush has brought to the store. */
    static final int FLUSHED_OFFSET = 72;

    private final AtomicBuffer page; // null: in the heap
    private final BitSet others = new BitSet(); // open handles without a place, by their index
    private long newest; // of them, since one of them has been open all the time

    private RequestLedger(AtomicBuffer page) {
        this.page = page;
    }

    /** For a session that nobody waits for. */
    public static RequestLedger inHeap() {
        return new RequestLedger(null);
    }

    /** In this page, which is zero behind the roster's part. */
    public static RequestLedger in(AtomicBuffer page) {
        return new RequestLedger(page);
    }

    /** Conductor: a handle's two counters, which are equal. Nobody else has the handle's index. */
    public AtomicBuffer countersOf(int handle) {
        int start = slot(handle);
        if (page == null) {
            return new UnsafeBuffer(new byte[SLOT_LENGTH]);
        }
        if (start >= PAGE_LENGTH) {
            page.putIntVolatile(UNCOUNTED_OFFSET, 1);
            return new UnsafeBuffer(new byte[SLOT_LENGTH]);
        }
        AtomicBuffer counters = new UnsafeBuffer(page, start, SLOT_LENGTH);
        counters.putLong(SUBMITTED_OFFSET, counters.getLong(COMPLETED_OFFSET));
        counters.putLong(CHANGED_OFFSET, counters.getLong(FLUSHED_OFFSET));
        return counters;
    }

    /**
     * Conductor: the handle is open.
     *
     * @param mapping tells it from all others for ever: when it was made, more than 0.
     * @param isCached its changes are counted as unflushed until they are flushed.
     */
    public void opened(int handle, long mapping, boolean isCached) {
        if (setMapping(handle, mapping)) {
            page.putLongOrdered(slot(handle) + ORIGIN_OFFSET, mapping);
            return;
        }
        others.set(HandleTable.index(handle));
        setNewest(Math.max(mapping, newest));
        if (page != null && isCached) {
            page.putIntVolatile(
                    CACHED_OFFSET, page.getInt(CACHED_OFFSET) | UnflushedMappings.bitOf(mapping));
        }
    }

    /** Conductor: its client closes it, or it leads nowhere any more. */
    public void closed(int handle) {
        if (!setMapping(handle, 0)) {
            others.clear(HandleTable.index(handle)); // again, where it led nowhere before
            if (others.isEmpty()) {
                setNewest(0);
            }
        }
    }

    private void setNewest(long mapping) {
        newest = mapping;
        if (page != null) {
            page.putLongOrdered(NEWEST_OFFSET, mapping);
        }
    }

    private static int slot(int handle) {
        return (HandleTable.index(handle) + 1) * SLOT_LENGTH;
    }

    /** False where there is no place for it. */
    private boolean setMapping(int handle, long mapping) {
        int start = slot(handle);
        if (page == null || start >= PAGE_LENGTH) {
            return false;
        }
        page.putLongOrdered(start + MAPPING_OFFSET, mapping);
        return true;
    }

    /** Of a broker that is dead: what was open, as {@link #opened} was told. */
    public static OpenMappings mappings(AtomicBuffer page) {
        Set<Long> mappings = new HashSet<>();
        for (int start = SLOT_LENGTH; start < PAGE_LENGTH; start += SLOT_LENGTH) {
            mappings.add(page.getLong(start + MAPPING_OFFSET));
        }
        mappings.remove(0L);
        return new OpenMappings(mappings, page.getLong(NEWEST_OFFSET));
    }

    /** Of a broker that is dead: whether it had taken requests that it may not have answered. */
    public static boolean hadRequests(AtomicBuffer page) {
        boolean differ = page.getInt(UNCOUNTED_OFFSET) != 0;
        for (int start = SLOT_LENGTH; start < PAGE_LENGTH; start += SLOT_LENGTH) {
            differ |= differ(page, start, SUBMITTED_OFFSET, COMPLETED_OFFSET);
        }
        return differ;
    }

    /** Of a broker that is dead: where it may have answered changes that died with its cache. */
    public static UnflushedMappings unflushed(AtomicBuffer page) {
        Set<Long> mappings = new HashSet<>();
        for (int start = SLOT_LENGTH; start < PAGE_LENGTH; start += SLOT_LENGTH) {
            if (differ(page, start, CHANGED_OFFSET, FLUSHED_OFFSET)) {
                mappings.add(page.getLong(start + ORIGIN_OFFSET));
            }
        }
        return new UnflushedMappings(mappings, page.getInt(CACHED_OFFSET), false);
    }

    private static boolean differ(AtomicBuffer page, int slot, int begun, int ended) {
        return page.getLong(slot + begun) != page.getLong(slot + ended);
    }
}
