package org.rbdwrapper.client.io;

import static org.rbdwrapper.ipc.segment.SegmentDescriptor.HEADER_LENGTH;

import org.agrona.concurrent.UnsafeBuffer;
import org.rbdwrapper.ipc.Errno;
import org.rbdwrapper.ipc.ErrnoException;
import org.rbdwrapper.ipc.segment.Doorbell;
import org.rbdwrapper.ipc.segment.SegmentGeometry;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.atomic.LongAdder;

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
    private final LongAdder overflows = new LongAdder();

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

    /** Returns when it is done: bytes. */
    public long perform(Operation operation) throws ErrnoException {
        if (!Thread.currentThread().isVirtual()) {
            int start = (int) Thread.currentThread().threadId();
            for (int i = 0; i < leased.length; i++) {
                SyncChannel channel = leased[(start + i & Integer.MAX_VALUE) % leased.length];
                if (channel.tryLease()) {
                    return performLeased(channel, operation);
                }
            }
            overflows.increment();
        }
        return await(submit(operation));
    }

    /** Completed with bytes, or exceptionally with an {@link ErrnoException}. */
    public CompletableFuture<Long> submit(Operation operation) {
        return shared.submit(operation);
    }

    /** How often a thread found all leased channels taken. */
    public long overflows() {
        return overflows.sum();
    }

    private static long performLeased(SyncChannel channel, Operation operation)
            throws ErrnoException {
        // a channel whose operation failed on the way has requests in flight: it is not used again
        channel.perform(operation);
        channel.release();
        long result = operation.finish();
        if (result < 0) {
            throw new ErrnoException(Errno.of((int) result), operation.describe());
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
