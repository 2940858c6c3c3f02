package org.rbdwrapper.broker.messenger;

import org.agrona.concurrent.AtomicBuffer;
import org.agrona.concurrent.UnsafeBuffer;

/**
 * Where the requests of a session's handles are counted: for a session that will come back in a
 * page of a file, so that the next broker knows whether this one had requests of it when it died.
 *
 * <pre>
 *      0           120        128            192            256                     4096
 *      +-----------+----------+--------------+--------------+---- ... ---------------+
 *      | the       | uncounted| submitted    | completed    | likewise, 30 more      |
 *      | roster's  | u32      | i64, pad     | i64, pad     | handles                |
 *      +-----------+----------+--------------+--------------+---- ... ---------------+
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

    static final int COMPLETED_OFFSET = 64;

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
        return counters;
    }

    /** Of a broker that is dead: whether it had taken requests that it may not have answered. */
    public static boolean hadRequests(AtomicBuffer page) {
        boolean had = page.getInt(UNCOUNTED_OFFSET) != 0;
        for (int start = SLOT_LENGTH; start < PAGE_LENGTH; start += SLOT_LENGTH) {
            had |= page.getLong(start + SUBMITTED_OFFSET) != page.getLong(start + COMPLETED_OFFSET);
        }
        return had;
    }
}
