package org.rbdwrapper.client;

import org.rbdwrapper.client.io.SharedBuffers;
import org.rbdwrapper.client.io.StackRoom;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.ref.Cleaner;
import java.nio.ByteBuffer;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * Memory that this process and the broker share: what a store reads or writes there, nobody copies.
 * Made by {@link RbdFile#allocate}.
 *
 * <pre>{@code
 * try (RbdBuffer block = file.allocate(1 << 20)) {
 *     file.read(block.bytes(), position);
 * }
 * }</pre>
 *
 * <p>Any thread.
 */
public final class RbdBuffer implements AutoCloseable {
    private final AtomicBoolean open = new AtomicBoolean(true);
    private final SharedBuffers.Region region;
    private final Arena arena;
    private final ByteBuffer bytes;
    private final Cleaner.Cleanable whenLost;

    @SuppressWarnings("MustBeClosedChecker") // close() does
    RbdBuffer(SharedBuffers.Region region, int length) {
        this.region = region;
        this.arena = Arena.ofShared();
        this.bytes =
                MemorySegment.ofAddress(region.address())
                        .reinterpret(length, arena, null)
                        .fill((byte) 0)
                        .asByteBuffer();
        // not this: a program may have kept the bytes or a slice only, and those have the scope
        this.whenLost =
                LostResources.BUFFERS.register(
                        arena.scope(), new Lost(open, region, length + " bytes"));
    }

    /** Nobody has any of its bytes any more. */
    private record Lost(AtomicBoolean open, SharedBuffers.Region region, String name)
            implements Runnable {
        @Override
        public void run() {
            if (open.compareAndSet(true, false)) {
                try {
                    LostResources.warn("an RbdBuffer of " + name);
                } finally { // there may be no memory for the warning
                    region.close();
                }
            }
        }
    }

    /**
     * All of it, page-aligned, zeroes at first: always the same buffer, with its position and
     * limit. Its slices and duplicates serve as well as it does.
     */
    public ByteBuffer bytes() {
        return bytes;
    }

    /**
     * Gives the memory back. Whoever touches the buffer or a slice of it afterwards gets an {@link
     * IllegalStateException}; operations that are under way go on with the memory, but their bytes
     * are lost to this process. One that the program has lost without closing it is given back when
     * the collector finds neither it nor any of its slices, and the log says so once.
     *
     * @throws IllegalStateException while a channel of {@code java.nio} reads or writes it.
     */
    @Override
    public void close() {
        StackRoom.require();
        if (open.compareAndSet(true, false)) {
            try {
                arena.close();
            } catch (IllegalStateException | Error e) {
                open.set(true);
                throw e;
            }
            region.close();
            whenLost.clean();
        }
    }
}
