package org.rbdwrapper.client.durability;

import java.nio.ByteBuffer;

/** What a write writes: each unit of it says by which write it was written, and where to. */
final class Pattern {
    /** Bytes. Writes begin and end at multiples of it, anywhere in sectors and pages. */
    static final int UNIT = 128;

    private Pattern() {}

    static ByteBuffer of(int write, int position, int length) {
        ByteBuffer bytes = ByteBuffer.allocateDirect(length);
        for (int unit = position / UNIT; bytes.hasRemaining(); unit++) {
            put(bytes, write, unit);
        }
        return bytes.flip();
    }

    /** The write that wrote this unit, 0 where it is all zeroes, -1 where neither is the case. */
    static int writeOf(byte[] contents, int unit) {
        ByteBuffer found = ByteBuffer.wrap(contents, unit * UNIT, UNIT);
        int write = found.getInt(unit * UNIT);
        ByteBuffer expected = ByteBuffer.allocate(UNIT);
        if (write != 0) {
            put(expected, write, unit);
        }
        return found.equals(expected.clear()) ? write : -1;
    }

    private static void put(ByteBuffer bytes, int write, int unit) {
        bytes.putInt(write).putInt(unit);
        long mixed = 0x9e3779b97f4a7c15L * (((long) write << 32) + unit);
        for (int i = 1; i < UNIT / Long.BYTES; i++) {
            mixed = Long.rotateLeft(mixed * 0xbf58476d1ce4e5b9L + i, 29);
            bytes.putLong(mixed);
        }
    }
}
