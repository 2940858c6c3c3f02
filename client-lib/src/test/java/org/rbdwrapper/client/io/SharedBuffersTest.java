package org.rbdwrapper.client.io;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;

import java.lang.foreign.Arena;
import java.util.concurrent.atomic.AtomicInteger;

/** What becomes of the memory that programs give back. */
final class SharedBuffersTest {
    private static final int LENGTH = 64 * 1024;

    @Test
    void shouldUnmapAlsoWhereThereIsNoMemoryForItAtFirst() {
        try (Arena arena = Arena.ofShared()) {
            long address = arena.allocate(LENGTH).address();
            SharedBuffers buffers = new SharedBuffers(null, address, LENGTH);
            SharedBuffers.Region region = buffers.allocate(4096);
            AtomicInteger calls = new AtomicInteger();
            buffers.retire();
            buffers.unmapWhenUnused(
                    () -> {
                        if (calls.getAndIncrement() == 0) {
                            throw new OutOfMemoryError("for some moments");
                        }
                    });
            assertEquals(0, calls.get());
            region.close();
            assertEquals(2, calls.get());
        }
    }
}
