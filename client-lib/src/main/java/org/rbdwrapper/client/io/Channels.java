package org.rbdwrapper.client.io;

import static org.rbdwrapper.ipc.segment.SegmentDescriptor.HEADER_LENGTH;

import org.agrona.concurrent.UnsafeBuffer;
import org.rbdwrapper.ipc.Errno;
import org.rbdwrapper.ipc.ErrnoException;
import org.rbdwrapper.ipc.codec.IoOp;
import org.rbdwrapper.ipc.segment.Doorbell;
import org.rbdwrapper.ipc.segment.SegmentGeometry;

import java.nio.ByteBuffer;

/**
 * A session's channels, and which one an operation takes: the first is shared by whoever does not
 * wait in a futex, the others are leased by platform threads, each beginning with the one that its
 * number points to.
 *
 * <p>Any thread.
 */
public final class Channels {
    private final AsyncChannel shared;
    private final SharedBuffers buffers;
    private final SyncChannel[] leased;

    /**
     * @param address of the mapped segment.
     * @param doorbellFd not owned.
     */
    public Channels(long address, SegmentGeometry geometry, int doorbellFd, Liveness liveness) {
        Doorbell doorbell = new Doorbell(new UnsafeBuffer(address, HEADER_LENGTH), doorbellFd);
        shared = new AsyncChannel(channel(address, geometry, 0), doorbell, liveness);
        buffers =
                new SharedBuffers(
                        address + geometry.channelOffset(0) + geometry.arenaOffset(),
                        geometry.arenaLength());
        leased = new SyncChannel[geometry.channels() - 1];
        for (int i = 0; i < leased.length; i++) {
            ClientChannel channel = channel(address, geometry, i + 1);
            leased[i] = new SyncChannel(channel, doorbell, liveness);
            liveness.onDeath(channel.waker::wake);
        }
    }

    /** READ or WRITE of what is left of a buffer; returns when it is done: bytes. */
    public long transfer(IoOp op, int handle, ByteBuffer buffer, long position)
            throws ErrnoException {
        SyncChannel channel = lease();
        if (channel == null) {
            FutureResult result = new FutureResult();
            submitTransfer(op, handle, buffer, position, result);
            return result.await();
        }
        return perform(channel, channel.operation().transfer(op, handle, buffer, position));
    }

    /** FLUSH, DISCARD or WRITE_ZEROES; returns when it is done. */
    public void command(IoOp op, int handle, long position, long length) throws ErrnoException {
        SyncChannel channel = lease();
        if (channel == null) {
            FutureResult result = new FutureResult();
            submitCommand(op, handle, position, length, result);
            result.await();
        } else {
            perform(channel, channel.operation().command(op, handle, position, length));
        }
    }

    /** Goes on at once; the completion hears of the end. */
    public void submitTransfer(
            IoOp op, int handle, ByteBuffer buffer, long position, Completion completion) {
        shared.submit(new Operation().transfer(op, handle, buffer, position).then(completion));
    }

    /**
     * Likewise, where the buffer lies in {@link #buffers}, of whose memory the store then takes, or
     * into which it puts.
     *
     * @return false where the buffer lies elsewhere, and nothing was done.
     * @throws IllegalStateException where the buffer was given back.
     */
    public boolean submitInPlace(
            IoOp op, int handle, ByteBuffer buffer, long position, Completion completion) {
        SharedBuffers.Region region = buffers.beginUse(buffer);
        if (region == null) {
            return false;
        }
        Operation operation = new Operation().transfer(op, handle, buffer, position);
        shared.submit(operation.inPlace(region).then(completion));
        return true;
    }

    /**
     * {@link #submitInPlace}, and returns when it is done: bytes; -1 where the buffer lies
     * elsewhere, and nothing was done.
     */
    public long transferInPlace(IoOp op, int handle, ByteBuffer buffer, long position)
            throws ErrnoException {
        FutureResult result = new FutureResult();
        return submitInPlace(op, handle, buffer, position, result) ? result.await() : -1;
    }

    /** Goes on at once; the completion hears of the end, with 0. */
    public void submitCommand(
            IoOp op, int handle, long position, long length, Completion completion) {
        shared.submit(new Operation().command(op, handle, position, length).then(completion));
    }

    /** The first channel's arena, for a session that uses it for nothing else. */
    public SharedBuffers buffers() {
        return buffers;
    }

    /**
     * Null where the thread is a virtual one, which must not sleep in a futex, or all are taken.
     */
    private SyncChannel lease() {
        if (Thread.currentThread().isVirtual()) {
            return null;
        }
        int start = (int) Thread.currentThread().threadId();
        for (int i = 0; i < leased.length; i++) {
            SyncChannel channel = leased[((start + i) & Integer.MAX_VALUE) % leased.length];
            if (channel.tryLease()) {
                return channel;
            }
        }
        return null;
    }

    private static long perform(SyncChannel channel, Operation operation) throws ErrnoException {
        // where this throws, the broker is gone and the channel with it: the lease is not given
        // back
        channel.perform();
        long result = operation.finish();
        String failed = result < 0 ? operation.describe() : "";
        channel.release();
        if (result < 0) {
            throw new ErrnoException(Errno.of((int) result), failed);
        }
        return result;
    }

    private static ClientChannel channel(long address, SegmentGeometry geometry, int index) {
        return new ClientChannel(address + geometry.channelOffset(index), geometry);
    }
}
