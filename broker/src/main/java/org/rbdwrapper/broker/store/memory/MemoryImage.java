package org.rbdwrapper.broker.store.memory;

import org.agrona.UnsafeApi;
import org.rbdwrapper.broker.store.ImageTimes;
import org.rbdwrapper.broker.store.TimeKeeper;
import org.rbdwrapper.ipc.Errno;
import org.rbdwrapper.ipc.ErrnoException;
import org.rbdwrapper.ipc.ImageSpec;
import org.rbdwrapper.ipc.codec.IoOp;
import org.rbdwrapper.ipc.posix.SharedMemory;

import java.util.concurrent.atomic.AtomicLongArray;

/**
 * An image's bytes, in chunks that are mapped when they are first written.
 *
 * <p>I/O is done by any thread without a lock, as on a disk: what two writers of the same bytes at
 * the same time leave is undefined. Memory is given back only when the image is removed, and then
 * nobody has it open.
 */
final class MemoryImage {
    static final int CHUNK = 4 * 1024 * 1024;

    /** 16 TiB; more would not fit into any memory. */
    private static final long MAX_SIZE = 1L << 44;

    final ImageSpec spec;
    final String id;
    final TimeKeeper times;
    int opens;
    private volatile AtomicLongArray chunks;
    private volatile long size;

    MemoryImage(ImageSpec spec, String id, long size, long createdAtNanos) throws ErrnoException {
        this.spec = spec;
        this.id = id;
        this.times =
                new TimeKeeper(
                        new ImageTimes(
                                createdAtNanos, createdAtNanos, createdAtNanos, createdAtNanos));
        this.chunks = new AtomicLongArray(chunkCount(size));
        this.size = size;
    }

    long size() {
        return size;
    }

    /** One at a time. Open handles see the new size when this returns. */
    void resize(long newSize) throws ErrnoException {
        int count = chunkCount(newSize);
        long oldSize = size;
        if (newSize > oldSize) {
            growTable(count);
            // what was there before the image was made shorter
            zero(oldSize, Math.min(newSize, (long) chunks.length() * CHUNK) - oldSize);
        }
        size = newSize;
        times.onChanged();
    }

    /** A chunk that a writer maps meanwhile must be in both. */
    private synchronized void growTable(int count) {
        if (count > chunks.length()) {
            AtomicLongArray larger = new AtomicLongArray(count);
            for (int i = 0; i < chunks.length(); i++) {
                larger.set(i, chunks.get(i));
            }
            chunks = larger;
        }
    }

    /** Bytes done, or a negative error number. */
    long perform(IoOp op, long address, long position, long length) {
        return switch (op) {
            case READ -> read(address, position, length);
            case WRITE -> write(address, position, length);
            case DISCARD, WRITE_ZEROES -> zero(position, length);
            case FLUSH -> 0;
            case TRUNCATE, EXTEND, NULL_VAL -> -Errno.EINVAL.number();
        };
    }

    void free() {
        for (int i = 0; i < chunks.length(); i++) {
            long chunk = chunks.getAndSet(i, 0);
            if (chunk != 0) {
                try {
                    SharedMemory.unmap(chunk, CHUNK);
                } catch (ErrnoException e) {
                    throw new IllegalStateException("a chunk that we mapped cannot be unmapped", e);
                }
            }
        }
    }

    private long read(long address, long position, long length) {
        AtomicLongArray table = chunks;
        long done = 0;
        while (done < length) {
            long at = position + done;
            int within = (int) (at % CHUNK);
            long piece = Math.min(length - done, CHUNK - within);
            long chunk = table.get((int) (at / CHUNK));
            if (chunk == 0) {
                UnsafeApi.setMemory(address + done, piece, (byte) 0);
            } else {
                UnsafeApi.copyMemory(chunk + within, address + done, piece);
            }
            done += piece;
        }
        return length;
    }

    private long write(long address, long position, long length) {
        long done = 0;
        while (done < length) {
            long at = position + done;
            int within = (int) (at % CHUNK);
            long piece = Math.min(length - done, CHUNK - within);
            long chunk = chunks.get((int) (at / CHUNK));
            if (chunk == 0) {
                chunk = mapChunk((int) (at / CHUNK));
                if (chunk < 0) {
                    return done > 0 ? done : chunk;
                }
            }
            UnsafeApi.copyMemory(address + done, chunk + within, piece);
            done += piece;
        }
        return length;
    }

    private long zero(long position, long length) {
        AtomicLongArray table = chunks;
        long done = 0;
        while (done < length) {
            long at = position + done;
            int within = (int) (at % CHUNK);
            long piece = Math.min(length - done, CHUNK - within);
            long chunk = table.get((int) (at / CHUNK));
            if (chunk != 0) {
                UnsafeApi.setMemory(chunk + within, piece, (byte) 0);
            }
            done += piece;
        }
        return length;
    }

    /**
     * Address, or a negative error number. Once a chunk: the only lock, and not in steady state.
     */
    private synchronized long mapChunk(int index) {
        long chunk = chunks.get(index);
        if (chunk == 0) {
            try {
                chunk = SharedMemory.mapAnonymous(CHUNK);
            } catch (ErrnoException e) {
                return -e.errno().number();
            }
            chunks.set(index, chunk);
        }
        return chunk;
    }

    private int chunkCount(long bytes) throws ErrnoException {
        if (bytes > MAX_SIZE) {
            throw new ErrnoException(
                    Errno.EFBIG,
                    "image "
                            + spec
                            + ": the memory store keeps images up to "
                            + MAX_SIZE
                            + " bytes");
        }
        return (int) ((bytes + CHUNK - 1) / CHUNK);
    }
}
