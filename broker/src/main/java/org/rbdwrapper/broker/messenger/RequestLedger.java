package org.rbdwrapper.broker.messenger;

import org.agrona.concurrent.AtomicBuffer;
import org.agrona.concurrent.UnsafeBuffer;

/**
 * Where the requests of a session's handles are counted: for a session that will come back in a
 * page of a file, so that the next broker knows whether this one had requests of it when it died,
 * or changes in a cache that were not flushed.
 *
 * <pre>
 *      0           120        128         136            192         200           256          4096
 *      +-----------+----------+-----------+--------------+-----------+-------------+---- ... -----+
 *      | the       | uncounted| submitted | changed      | completed | flushed     | likewise, 30 |
 *      | roster's  | u32      | i64       | i64, pad     | i64       | i64, pad    | more handles |
 *      +-----------+----------+-----------+--------------+-----------+-------------+---- ... -----+
 * </pre>
 *
 * <p>Handles beyond those 31 are counted elsewhere; then {@code uncounted} is not 0, and the
 * session is taken for one that has requests. Each counter is written by one side of a handle.
 */
public final class RequestLedger {
    public static final int PAGE_LENGTH = 4096;

    /** Bytes of the page that the roster has for itself. */
    public static final int ROSTER_LENGTH = 120;

    private static final int UNCOUNTED_OFFSET = ROSTER_LENGTH;

    private static final int SLOT_LENGTH = 128;

    /** In a slot: of either side in a cache line of its own. */
    static final int SUBMITTED_OFFSET = 0;

    /** Changes of an image with a cache. */
    static final int CHANGED_OFFSET = 8;

    static final int COMPLETED_OFFSET = 64;

    /** Those of them that a flush has brought to the store. */
    static final int FLUSHED_OFFSET = 72;

    private final AtomicBuffer page; // null: in the heap

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
        int start = (HandleTable.index(handle) + 1) * SLOT_LENGTH;
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

    /** Of a broker that is dead: whether it had taken requests that it may not have answered. */
    public static boolean hadRequests(AtomicBuffer page) {
        return differ(page, SUBMITTED_OFFSET, COMPLETED_OFFSET);
    }

    /** Of a broker that is dead: whether it may have answered changes that died with its cache. */
    public static boolean hadUnflushed(AtomicBuffer page) {
        return differ(page, CHANGED_OFFSET, FLUSHED_OFFSET);
    }

    private static boolean differ(AtomicBuffer page, int begun, int ended) {
        boolean differ = page.getInt(UNCOUNTED_OFFSET) != 0;
        for (int start = SLOT_LENGTH; start < PAGE_LENGTH; start += SLOT_LENGTH) {
            differ |= page.getLong(start + begun) != page.getLong(start + ended);
        }
        return differ;
    }
}
