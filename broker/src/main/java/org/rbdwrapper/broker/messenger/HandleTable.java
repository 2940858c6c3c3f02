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

    static int number(int index, int use) {
        return use << INDEX_BITS | index;
    }

    static int index(int handle) {
        return handle & (CAPACITY - 1);
    }

    /** The open handle of this number, or null. */
    OpenHandle find(int handle) {
        int index = index(handle);
        if (index >= handles.length) {
            return null;
        }
        OpenHandle found = handles[index];
        return found != null && found.handle() == handle ? found : null;
    }

    /** Requests under way on all of them; a snapshot. */
    long inFlight() {
        long sum = 0;
        for (OpenHandle handle : handles) {
            sum += handle == null ? 0 : handle.inFlight();
        }
        return sum;
    }

    void add(OpenHandle handle) {
        int index = index(handle.handle());
        if (index >= handles.length) {
            handles = java.util.Arrays.copyOf(handles, Math.max(index + 1, handles.length * 2));
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
