package org.rbdwrapper.client.io;

import org.agrona.BufferUtil;

import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Memory for programs whose data needs no copy: the part of a channel's arena that no operation
 * takes.
 *
 * <pre>
 *   arena     0          8192                     20480              length
 *             +----------+-----------------------+------------------+-------------------+
 *             | region A | region B              | free             | copies            |
 *             +----------+-----------------------+------------------+-------------------+
 *                          ^                                          ^
 *                          a buffer of the program, or a slice of     of operations whose buffer
 *                          it: found by its address                   is of a link before
 * </pre>
 *
 * <p>A region that is given back while operations use it is free when the last of them is done, be
 * it that they take its bytes where they are or copy them. The memory outlives its link for as long
 * as there are regions.
 *
 * <p>Any thread.
 */
public final class SharedBuffers {
    /** Those that programs have regions of; replaced, never changed. */
    private static volatile SharedBuffers[] used = {};

    private static final ByteBuffer NO_BYTES = ByteBuffer.allocate(0);

    private final Link link;
    private final long address;
    private final int length;
    private final ArenaBlocks blocks; // guarded by this, as what follows
    private final Region[] regionAt; // by block
    private final Runnable giveBack = this::giveBack; // there may be no memory for it then
    private int regions;
    private boolean retired;
    private Runnable unmap; // null as long as the link needs the memory, and once it was called

    SharedBuffers(Link link, long address, int length) {
        this.link = link;
        this.address = address;
        this.length = length;
        this.blocks = new ArenaBlocks(0, length);
        this.regionAt = new Region[length / ArenaBlocks.BLOCK];
    }

    /** A part of the arena that a program has. */
    public final class Region {
        final int offset;
        private final int length;
        private final ByteBuffer memory;
        private int users; // guarded by SharedBuffers.this, as what follows
        private boolean closed;

        private Region(int offset, int length) {
            this.offset = offset;
            this.length = length;
            this.memory = MemorySegment.ofAddress(address()).reinterpret(length).asByteBuffer();
        }

        /** Its first byte in this process. */
        public long address() {
            return address + offset;
        }

        /** Nothing uses it from now on; operations that do already go on. */
        public void close() {
            synchronized (SharedBuffers.this) {
                if (!closed) {
                    closed = true;
                    freeIfUnused();
                }
            }
        }

        /** Whose memory it is: to any other it is memory of the program. */
        Link link() {
            return link;
        }

        boolean isOf(SharedBuffers buffers) {
            return buffers == SharedBuffers.this;
        }

        /** For who has it in use: another of its operations begins, though it may be closed. */
        Region useAgain() {
            synchronized (SharedBuffers.this) {
                users++;
            }
            return this;
        }

        /** An operation on it is done. */
        public void endUse() {
            synchronized (SharedBuffers.this) {
                users--;
                freeIfUnused();
            }
        }

        /** All of it: it is there for as long as it is in use, also when the program's is not. */
        ByteBuffer memory() {
            return memory;
        }

        /** From the arena's start to that of what is left of a buffer which lies within this. */
        int arenaOffset(ByteBuffer buffer) {
            return (int) (BufferUtil.address(buffer) + buffer.position() - address);
        }

        private void freeIfUnused() {
            if (closed && users == 0) {
                mark(null);
                blocks.giveBack(offset, length);
                regions--;
                if (regions == 0) {
                    LowMemory.outlast(giveBack);
                }
            }
        }

        private void mark(Region owner) {
            int first = offset / ArenaBlocks.BLOCK;
            Arrays.fill(regionAt, first, first + ArenaBlocks.blocksOf(length), owner);
        }
    }

    /** Whether a buffer may lie in one of these: it is worth looking. */
    public static boolean mayHold(ByteBuffer buffer) {
        return used.length > 0 && buffer.isDirect();
    }

    /**
     * The region, of whatever session, that what is left of a buffer lies in, which is in use until
     * {@link Region#endUse}; null where it lies in none.
     *
     * @param buffer with something left.
     * @throws IllegalStateException where the region was given back, or the buffer is of any arena
     *     that was closed.
     */
    public static Region use(ByteBuffer buffer) {
        if (mayHold(buffer)) {
            for (SharedBuffers buffers : used) {
                Region region = buffers.beginUse(buffer);
                if (region != null) {
                    return region;
                }
            }
        }
        // after the look: a region is closed after its arena; its bytes may not be there to be read
        if (buffer.isDirect()) {
            NO_BYTES.put(0, buffer, buffer.position(), 0); // asks its arena, and allocates nothing
        }
        return null;
    }

    /** Nothing is allocated here any more. */
    synchronized void retire() {
        retired = true;
        unmapIfUnused();
    }

    synchronized boolean isRetired() {
        return retired;
    }

    /**
     * The link does not need the memory any more.
     *
     * @param unmapping is called when no program has any of it, nor can get any, under this lock;
     *     more than once where that is said more than once, or there was no memory for it.
     */
    synchronized void unmapWhenUnused(Runnable unmapping) {
        unmap = unmapping;
        unmapIfUnused();
    }

    private void unmapIfUnused() {
        if (retired && unmap != null && regions == 0) {
            unmap.run(); // again where there was no memory for it
            unmap = null;
        }
    }

    /** Null where there is no such gap, or this is retired. */
    synchronized Region allocate(int bytes) {
        int offset = retired ? -1 : blocks.take(bytes);
        if (offset < 0) {
            return null;
        }
        try {
            Region region = new Region(offset, bytes);
            if (regions == 0) {
                onUsed(true);
            }
            regions++;
            region.mark(region);
            return region;
        } catch (Error e) {
            blocks.giveBack(offset, bytes);
            throw e;
        }
    }

    private void onUsed(boolean isUsed) {
        synchronized (SharedBuffers.class) {
            List<SharedBuffers> now = new ArrayList<>(Arrays.asList(used));
            if (isUsed) {
                now.add(this);
            } else {
                now.remove(this);
            }
            used = now.toArray(SharedBuffers[]::new);
        }
    }

    /** For who gives the last of it back, which he does once: there will be memory for it. */
    private void giveBack() {
        onUsed(false);
        unmapIfUnused();
    }

    /** Whether a program has some of it. */
    public synchronized boolean isUsed() {
        return regions > 0;
    }

    /** Bytes. */
    public int capacity() {
        return length;
    }

    private Region beginUse(ByteBuffer buffer) {
        long offset = BufferUtil.address(buffer) + buffer.position() - address;
        if (offset < 0 || offset >= length) {
            return null;
        }
        synchronized (this) {
            if (retired && regions == 0) {
                return null; // it may be unmapped, and others have the addresses
            }
            Region region = regionAt[(int) (offset / ArenaBlocks.BLOCK)];
            if (region == null
                    || region.closed
                    || offset + buffer.remaining() > region.offset + region.length) {
                throw new IllegalStateException("the buffer was closed");
            }
            buffer.get(buffer.position()); // or else the region is of who came after it
            region.users++;
            return region;
        }
    }
}
