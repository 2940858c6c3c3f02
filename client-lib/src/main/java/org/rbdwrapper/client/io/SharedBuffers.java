package org.rbdwrapper.client.io;

import org.agrona.BufferUtil;

import java.nio.ByteBuffer;
import java.util.Map;
import java.util.TreeMap;

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
 *                          it: found by its address                   lies in an arena before
 * </pre>
 *
 * <p>A region that is given back while operations use it is free when the last of them is done. The
 * memory outlives its link for as long as a program has buffers there.
 *
 * <p>Any thread.
 */
public final class SharedBuffers {
    /** No process that never allocates has to look where its buffers lie. */
    private static volatile boolean used;

    private final Link link;
    private final long address;
    private final int length;
    private final ArenaBlocks blocks; // guarded by this, as what follows
    private final TreeMap<Integer, Region> regions = new TreeMap<>();
    private boolean retired;
    private Runnable unmap; // null as long as the link needs the memory, and when it was called

    SharedBuffers(Link link, long address, int length) {
        this.link = link;
        this.address = address;
        this.length = length;
        this.blocks = new ArenaBlocks(0, length);
    }

    /** A part of the arena that a program has. */
    public final class Region {
        final int offset;
        private final int length;
        private int users; // guarded by SharedBuffers.this, as what follows
        private boolean closed;

        private Region(int offset, int length) {
            this.offset = offset;
            this.length = length;
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

        /** An operation on it is done. */
        void endUse() {
            synchronized (SharedBuffers.this) {
                users--;
                freeIfUnused();
            }
        }

        /** From the arena's start to that of what is left of a buffer which lies within this. */
        int arenaOffset(ByteBuffer buffer) {
            return (int) (BufferUtil.address(buffer) + buffer.position() - address);
        }

        private void freeIfUnused() {
            if (closed && users == 0) {
                regions.remove(offset);
                blocks.giveBack(offset, length);
                unmapIfUnused();
            }
        }
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
     * @param unmapping is called when no program has any of it, nor can get any.
     */
    synchronized void unmapWhenUnused(Runnable unmapping) {
        unmap = unmapping;
        unmapIfUnused();
    }

    private void unmapIfUnused() {
        if (retired && unmap != null && regions.isEmpty()) {
            Runnable now = unmap;
            unmap = null;
            now.run();
        }
    }

    /** Whether a buffer may lie in one of these: it is worth looking. */
    public static boolean mayHold(ByteBuffer buffer) {
        return used && buffer.isDirect();
    }

    /** Null where there is no such gap, or this is retired. */
    synchronized Region allocate(int bytes) {
        if (retired) {
            return null;
        }
        used = true;
        int offset = blocks.take(bytes);
        if (offset < 0) {
            return null;
        }
        Region region = new Region(offset, bytes);
        regions.put(offset, region);
        return region;
    }

    /** Bytes. */
    public int capacity() {
        return length;
    }

    /**
     * The region that what is left of a buffer lies in, which is in use until {@link
     * Region#endUse}; null where it lies in none.
     *
     * @throws IllegalStateException where the region was given back.
     */
    Region beginUse(ByteBuffer buffer) {
        long offset = BufferUtil.address(buffer) + buffer.position() - address;
        if (offset < 0 || offset >= length) {
            return null;
        }
        synchronized (this) {
            Map.Entry<Integer, Region> below = regions.floorEntry((int) offset);
            Region region = below == null ? null : below.getValue();
            if (region == null
                    || region.closed
                    || offset + buffer.remaining() > region.offset + region.length) {
                throw new IllegalStateException("the buffer was closed");
            }
            region.users++;
            return region;
        }
    }
}
