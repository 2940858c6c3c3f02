package org.rbdwrapper.perf.load;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

import java.util.SplittableRandom;
import java.util.stream.LongStream;

class PatternTest {
    private static final int MIB = 1 << 20;

    private final SplittableRandom random = new SplittableRandom(1);

    @Test
    void shouldBeginAgainBehindTheLastWholeBlock() {
        Pattern pattern = new Pattern(Job.READ_1M, 2 * MIB + 1);
        long[] positions = LongStream.range(0, 3).map(i -> pattern.nextPosition(random)).toArray();
        assertEquals(0, positions[0]);
        assertEquals(MIB, positions[1]);
        assertEquals(0, positions[2]);
    }

    @Test
    void shouldKeepRandomBlocksWhole() {
        Pattern pattern = new Pattern(Job.READ_1, 3 * 4096 + 100);
        for (int i = 0; i < 100; i++) {
            long position = pattern.nextPosition(random);
            assertEquals(0, position % 4096);
            assertTrue(position <= 2 * 4096, "beyond the end: " + position);
        }
    }

    @Test
    void shouldReadAndWriteAsTheJobSays() {
        Pattern reads = new Pattern(Job.READ_16, MIB);
        Pattern writes = new Pattern(Job.WRITE_1M, MIB);
        Pattern mixed = new Pattern(Job.MIXED_16, MIB);
        int mixedReads = 0;
        for (int i = 0; i < 1000; i++) {
            assertTrue(reads.nextIsRead(random));
            assertFalse(writes.nextIsRead(random));
            mixedReads += mixed.nextIsRead(random) ? 1 : 0;
        }
        assertEquals(700, mixedReads, 60);
    }
}
