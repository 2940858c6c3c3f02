package org.rbdwrapper.broker.messenger;

/**
 * Where a file ends that was truncated: an image, or the part of one that is a partition. See
 * {@link LogicalEnds}, whose lock guards all but {@link #get}.
 */
final class LogicalEnd {
    /** Where in the image the file begins, and where it would end if it were as long as can be. */
    final long begin;

    final long limit;

    private final EndTable table;
    private final int place;
    private volatile long end;

    /** Open handles that were truncated. */
    private int handles;

    /** Someone who has no handle now may have the file open. */
    private boolean awaited;

    /**
     * @param place in the table, which has all this; {@link EndTable#NONE}: it has it not.
     */
    LogicalEnd(long begin, long limit, long end, EndTable table, int place) {
        this.begin = begin;
        this.limit = limit;
        this.end = end;
        this.table = table;
        this.place = place;
    }

    /** Where in the image. Any thread. */
    long get() {
        return end;
    }

    void moveTo(long newEnd) {
        table.put(place, newEnd);
        end = newEnd;
    }

    boolean isOf(long otherBegin, long otherLimit) {
        return begin == otherBegin && limit == otherLimit;
    }

    /** Whether a change has no part in the file that is behind the end. Any thread. */
    boolean isBefore(long position, long length) {
        return Math.min(position + length, limit) <= end
                || position + length <= begin
                || position >= limit;
    }

    /** Whether a change leaves out bytes between the end and its first. */
    boolean isSkippedBy(long position, long length) {
        return position > end && position < limit && position + length > begin;
    }

    /** Moves it as a change does that begins at it or before. */
    void extend(long position, long length) {
        if (!isBefore(position, length)) {
            moveTo(Math.min(position + length, limit));
        }
    }

    void hold() {
        handles++;
    }

    void release() {
        handles--;
    }

    boolean isAwaited() {
        return awaited;
    }

    void await(boolean isAwaited) {
        awaited = isAwaited;
    }

    boolean isForgotten() {
        return handles == 0 && !awaited;
    }

    void free() {
        table.free(place);
    }
}
