package org.rbdwrapper.broker.messenger;

/**
 * A session's open handles by number. Owned by the session's messenger.
 *
 * <p>A handle's number is its index in the table and, above that, how often the index has been
 * given out: a number is not used twice before its index was reused a million times.
 */
final class HandleTable {
    private static final int INDEX_BITS = 12;

    /** Opens of one session at a time. */
    static final int CAPACITY = 1 << INDEX_BITS;

    private OpenHandle[] handles = new OpenHandle[4];

    // the indexes of those that may have requests under way: each that was found, until it has none
    private int[] used = new int[4];
    private int uses;
    private boolean[] isUsed = new boolean[4];

    static int number(int index, int use) {
        return use << INDEX_BITS | index;
    }

    static int index(int handle) {
        return handle & (CAPACITY - 1);
    }

    /** The open handle of this number, for a request; or null. */
    OpenHandle find(int handle) {
        int index = index(handle);
        if (index >= handles.length) {
            return null;
        }
        OpenHandle found = handles[index];
        if (found == null || found.handle() != handle) {
            return null;
        }
        if (!isUsed[index]) {
            isUsed[index] = true;
            used[uses++] = index;
        }
        return found;
    }

    /**
     * Requests under way on all of them, where that is 0 or 1; else 2 or more. A snapshot. Costs by
     * the requests since the last call, not by the handles.
     */
    long inFlight() {
        long sum = 0;
        for (int i = uses - 1; i >= 0 && sum <= 1; i--) {
            OpenHandle handle = handles[used[i]];
            long more = handle == null ? 0 : handle.inFlight();
            if (more == 0) {
                isUsed[used[i]] = false;
                used[i] = used[--uses]; // which was looked at
            }
            sum += more;
        }
        return sum;
    }

    void add(OpenHandle handle) {
        int index = index(handle.handle());
        if (index >= handles.length) {
            int length = Math.max(index + 1, handles.length * 2);
            handles = java.util.Arrays.copyOf(handles, length);
            used = java.util.Arrays.copyOf(used, length);
            isUsed = java.util.Arrays.copyOf(isUsed, length);
        }
        handles[index] = handle;
    }

    void remove(OpenHandle handle) {
        int index = index(handle.handle());
        if (index < handles.length && handles[index] == handle) {
            handles[index] = null;
        }
    }
}
