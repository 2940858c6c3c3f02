package org.rbdwrapper.client.io;

import java.util.BitSet;

/** Which blocks of a part of a channel's arena are taken. Under its user's lock. */
final class ArenaBlocks {
    static final int BLOCK = 4096;

    private final BitSet taken = new BitSet();
    private final int base;
    private final int blocks;

    /**
     * @param base offset of the part's first byte in the arena.
     */
    ArenaBlocks(int base, int length) {
        this.base = base;
        this.blocks = length / BLOCK;
    }

    /** Offset in the arena of so many bytes in a row, or -1 where there is no such gap now. */
    int take(int length) {
        if (length > blocks * BLOCK) {
            return -1;
        }
        int wanted = blocksOf(length);
        int start = taken.nextClearBit(0);
        while (start + wanted <= blocks) {
            int next = taken.nextSetBit(start);
            if (next < 0 || next >= start + wanted) {
                taken.set(start, start + wanted);
                return base + start * BLOCK;
            }
            start = taken.nextClearBit(next);
        }
        return -1;
    }

    void giveBack(int offset, int length) {
        int start = (offset - base) / BLOCK;
        taken.clear(start, start + blocksOf(length));
    }

    static int blocksOf(int length) {
        return (length + BLOCK - 1) / BLOCK;
    }
}
