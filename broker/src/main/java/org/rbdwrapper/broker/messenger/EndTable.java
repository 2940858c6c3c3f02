package org.rbdwrapper.broker.messenger;

import org.agrona.concurrent.AtomicBuffer;
import org.agrona.concurrent.UnsafeBuffer;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;

/**
 * The logical ends of a host's images, as the next broker finds them: in a file that is mapped, so
 * that each is there from the moment when it is set, however this broker ends. A page that clients
 * map would be theirs to lose: who comes back first need not be who had the file open.
 *
 * <pre>
 *   0         8            24       32       40      48         64
 *   +---------+------------+--------+--------+-------+----------+----
 *   | in use  | image      | begin  | limit  | end   | 0        | ...
 *   | i64     | 2 * u64    | i64    | i64    | i64   |          |
 *   +---------+------------+--------+--------+-------+----------+----
 * </pre>
 *
 * <p>What finds no place is kept by this broker alone: its file fails with EIO after it.
 *
 * <p>Any thread.
 */
public final class EndTable {
    public static final int PLACES = 1024;
    static final int NONE = -1;

    private static final int PLACE_LENGTH = 64;
    public static final int LENGTH = PLACES * PLACE_LENGTH;
    private static final int IMAGE_OFFSET = 8;
    private static final int BEGIN_OFFSET = 24;
    private static final int LIMIT_OFFSET = 32;
    private static final int END_OFFSET = 40;

    private final BitSet own = new BitSet(); // taken by this broker, or gone on with
    private volatile AtomicBuffer places = new UnsafeBuffer(new byte[0]);

    /** For a broker that nobody comes back from. */
    public static EndTable inHeap() {
        EndTable table = new EndTable();
        table.use(new UnsafeBuffer(ByteBuffer.allocateDirect(LENGTH)));
        return table;
    }

    /** From now on it is here, as a broker before may have left it. */
    public synchronized void use(AtomicBuffer memory) {
        places = memory;
    }

    public boolean isUsed() {
        return places.capacity() > 0;
    }

    /** One that a broker before has left. */
    record Left(int place, long begin, long limit, long end) {}

    /** Those of an image. */
    synchronized List<Left> of(ImageKey image) {
        List<Left> found = new ArrayList<>();
        AtomicBuffer table = places;
        for (int place = 0; place < count(); place++) {
            int at = place * PLACE_LENGTH;
            if (table.getLongVolatile(at) != 0
                    && table.getLong(at + IMAGE_OFFSET) == image.high()
                    && table.getLong(at + IMAGE_OFFSET + Long.BYTES) == image.low()) {
                Left left =
                        new Left(
                                place,
                                table.getLong(at + BEGIN_OFFSET),
                                table.getLong(at + LIMIT_OFFSET),
                                table.getLong(at + END_OFFSET));
                if (left.begin() >= 0 && left.begin() <= left.end() && left.end() <= left.limit()) {
                    found.add(left);
                    own.set(place);
                } else {
                    free(place); // a file that somebody has damaged
                }
            }
        }
        return found;
    }

    /** A place with these; {@link #NONE} where there is none left. */
    synchronized int take(ImageKey image, long begin, long limit, long end) {
        AtomicBuffer table = places;
        for (int place = 0; place < count(); place++) {
            int at = place * PLACE_LENGTH;
            if (table.getLongVolatile(at) == 0) {
                table.putLong(at + IMAGE_OFFSET, image.high());
                table.putLong(at + IMAGE_OFFSET + Long.BYTES, image.low());
                table.putLong(at + BEGIN_OFFSET, begin);
                table.putLong(at + LIMIT_OFFSET, limit);
                table.putLong(at + END_OFFSET, end);
                table.putLongVolatile(at, 1); // last: it is read by who finds this
                own.set(place);
                return place;
            }
        }
        return NONE;
    }

    void put(int place, long end) {
        if (place != NONE) {
            places.putLongVolatile(place * PLACE_LENGTH + END_OFFSET, end);
        }
    }

    synchronized void free(int place) {
        if (place != NONE) {
            places.putLongVolatile(place * PLACE_LENGTH, 0);
            own.clear(place);
        }
    }

    /** Nobody comes back any more for those that a broker before has left. */
    public synchronized void freeLeft() {
        for (int place = 0; place < count(); place++) {
            if (!own.get(place)) {
                free(place);
            }
        }
    }

    private int count() {
        return places.capacity() / PLACE_LENGTH;
    }
}
