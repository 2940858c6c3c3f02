package org.rbdwrapper.broker.store;

import org.rbdwrapper.ipc.codec.IoOp;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.concurrent.TimeoutException;

/** Blocking I/O on an image through memory of its own, for tests. One thread. */
public final class ImageIo implements AutoCloseable {
    private final StoreImage image;
    private final Arena arena = Arena.ofConfined();
    private final MemorySegment memory;

    public ImageIo(StoreImage image, long maxLength) {
        this.image = image;
        this.memory = arena.allocate(maxLength);
    }

    /** The store's result; what was read is in the array. */
    public long read(long position, byte[] into) throws InterruptedException, TimeoutException {
        memory.fill((byte) 0x5a);
        long result = perform(IoOp.READ, position, into.length);
        MemorySegment.copy(memory, ValueLayout.JAVA_BYTE, 0, into, 0, into.length);
        return result;
    }

    public byte[] read(long position, int length) throws InterruptedException, TimeoutException {
        byte[] bytes = new byte[length];
        long result = read(position, bytes);
        if (result != length) {
            throw new AssertionError(
                    "read of " + length + " bytes at " + position + " gave " + result);
        }
        return bytes;
    }

    public long write(long position, byte[] bytes) throws InterruptedException, TimeoutException {
        MemorySegment.copy(bytes, 0, memory, ValueLayout.JAVA_BYTE, 0, bytes.length);
        return perform(IoOp.WRITE, position, bytes.length);
    }

    public long flush() throws InterruptedException, TimeoutException {
        return perform(IoOp.FLUSH, 0, 0);
    }

    public long perform(IoOp op, long position, long length)
            throws InterruptedException, TimeoutException {
        return submit(op, position, length).await();
    }

    /** Does not wait; one at a time where data is moved. */
    public AwaitedCompletion submit(IoOp op, long position, long length) {
        AwaitedCompletion completion = AwaitedCompletion.create(length);
        image.submit(op, memory.address(), position, length, completion);
        return completion;
    }

    /** As {@link #submit}, with this data. */
    public AwaitedCompletion submitWrite(long position, byte[] bytes) {
        MemorySegment.copy(bytes, 0, memory, ValueLayout.JAVA_BYTE, 0, bytes.length);
        return submit(IoOp.WRITE, position, bytes.length);
    }

    /** What the last read that was submitted has read. */
    public byte[] data(int length) {
        return memory.asSlice(0, length).toArray(ValueLayout.JAVA_BYTE);
    }

    @Override
    public void close() {
        arena.close();
    }
}
