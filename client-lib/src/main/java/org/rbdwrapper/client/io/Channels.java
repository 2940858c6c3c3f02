package org.rbdwrapper.client.io;

import static org.rbdwrapper.ipc.segment.SegmentDescriptor.HEADER_LENGTH;

import org.agrona.concurrent.UnsafeBuffer;
import org.rbdwrapper.ipc.Errno;
import org.rbdwrapper.ipc.ErrnoException;
import org.rbdwrapper.ipc.codec.IoOp;
import org.rbdwrapper.ipc.segment.Doorbell;
import org.rbdwrapper.ipc.segment.SegmentGeometry;

import java.nio.ByteBuffer;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;

/**
 * A session's channels, and which one an operation takes: the first is shared by whoever does not
 * wait in a futex, the others are leased by platform threads, each beginning with the one that its
 * number points to.
 *
 * <p>Any thread.
 */
public final class Channels {
    private final AsyncChannel shared;
    private final SyncChannel[] leased;

    /**
     * @param address of the mapped segment.
     * @param doorbellFd not owned.
     */
    public Channels(long address, SegmentGeometry geometry, int doorbellFd, Liveness liveness) {
        Doorbell doorbell = new Doorbell(new UnsafeBuffer(address, HEADER_LENGTH), doorbellFd);
        shared = new AsyncChannel(channel(address, geometry, 0), doorbell, liveness);
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
            return await(submitTransfer(op, handle, buffer, position));
        }
        return perform(channel, channel.operation().transfer(op, handle, buffer, position));
    }

    /** FLUSH, DISCARD or WRITE_ZEROES; returns when it is done. */
    public void command(IoOp op, int handle, long position, long length) throws ErrnoException {
        SyncChannel channel = lease();
        if (channel == null) {
            await(submitCommand(op, handle, position, length));
        } else {
            perform(channel, channel.operation().command(op, handle, position, length));
        }
    }

    /** Completed with bytes, or exceptionally with an {@link ErrnoException}. */
    public CompletableFuture<Long> submitTransfer(
            IoOp op, int handle, ByteBuffer buffer, long position) {
        return shared.submit(new Operation().transfer(op, handle, buffer, position));
    }

    /** Completed with 0, or exceptionally with an {@link ErrnoException}. */
    public CompletableFuture<Long> submitCommand(IoOp op, int handle, long position, long length) {
        return shared.submit(new Operation().command(op, handle, position, length));
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

    private static long await(CompletableFuture<Long> future) throws ErrnoException {
        try {
            return future.join();
        } catch (CompletionException e) {
            if (e.getCause() instanceof ErrnoException failure) {
                throw failure;
            }
            throw e;
        }
    }

    private static ClientChannel channel(long address, SegmentGeometry geometry, int index) {
        return new ClientChannel(address + geometry.channelOffset(index), geometry);
    }
}
