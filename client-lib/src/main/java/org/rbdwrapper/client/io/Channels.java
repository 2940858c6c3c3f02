package org.rbdwrapper.client.io;

import org.rbdwrapper.ipc.Errno;
import org.rbdwrapper.ipc.ErrnoException;
import org.rbdwrapper.ipc.codec.IoOp;

import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.util.concurrent.locks.LockSupport;

/**
 * A session's channels, and which one an operation takes: the first is shared by whoever does not
 * wait in a futex, the others are leased by platform threads, each beginning with the one that its
 * number points to.
 *
 * <p>Any thread.
 */
public final class Channels {
    private static final long LOOK_NANOS = 100_000;
    private static final long LONGEST_LOOK_NANOS = 10_000_000; // for who waits through an outage

    /** Never runs: any thread but that which a confined arena belongs to. */
    private static final Thread OTHER_THREAD = LibraryThread.background("rbdw-other", () -> {});

    private final AsyncChannel shared;
    private final SyncChannel[] leased;
    private final Runnable relieveCompleter = this::relieveCompleter;
    private volatile SharedBuffers buffers;
    private SharedBuffers replaced; // by these

    public Channels(Succession succession, Link first) {
        shared = new AsyncChannel(succession, first);
        buffers = first.buffers();
        leased = new SyncChannel[first.channels() - 1];
        for (int i = 0; i < leased.length; i++) {
            leased[i] = new SyncChannel(succession, i + 1, first);
        }
    }

    /** How many a link must have. */
    public int count() {
        return leased.length + 1;
    }

    /** Whether nobody will touch this dead link's memory any more. */
    public boolean haveLeft(Link dead) {
        for (SyncChannel channel : leased) {
            if (!channel.hasLeft(dead)) {
                return false;
            }
        }
        return shared.hasLeft(dead);
    }

    /**
     * The next link is about to open: buffers that are asked for from now on are in its memory. May
     * be broken off by an OutOfMemoryError, and called again. Not by several threads.
     */
    public void onOpen(Link next) {
        SharedBuffers before = buffers;
        if (before != next.buffers()) {
            replaced = before;
            buffers = next.buffers();
        }
        replaced.retire();
    }

    /** There is no next link. */
    public void onGivenUp() {
        buffers.retire();
    }

    /** READ or WRITE of what is left of a buffer; returns when it is done: bytes. */
    public long transfer(IoOp op, Target target, ByteBuffer buffer, long position)
            throws ErrnoException {
        SharedBuffers.Region region = SharedBuffers.use(buffer);
        try {
            SyncChannel channel = lease(target);
            if (channel == null) {
                if (region == null && isConfined(buffer)) {
                    return transferByCopy(op, target, buffer, position);
                }
                AwaitedResult result = new AwaitedResult();
                SharedBuffers.Region again = region == null ? null : region.useAgain();
                submitTransfer(op, target, buffer, again, position, result);
                return result.await();
            }
            try {
                checkOpen(target);
                channel.operation().transfer(op, target, buffer, position).copied(region);
                return perform(channel);
            } finally {
                channel.release();
            }
        } finally {
            if (region != null) {
                region.endUse();
            }
        }
    }

    private static boolean isConfined(ByteBuffer buffer) {
        return buffer.isDirect() && !MemorySegment.ofBuffer(buffer).isAccessibleBy(OTHER_THREAD);
    }

    /** For memory that the completer may not touch: who waits copies it. */
    private long transferByCopy(IoOp op, Target target, ByteBuffer buffer, long position)
            throws ErrnoException {
        int start = buffer.position();
        ByteBuffer copy = ByteBuffer.allocate(buffer.remaining());
        if (op == IoOp.WRITE) {
            copy.put(0, buffer, start, copy.capacity());
        }
        AwaitedResult result = new AwaitedResult();
        submitTransfer(op, target, copy, null, position, result);
        int done = (int) result.await();
        if (op == IoOp.READ) {
            buffer.put(start, copy, 0, done);
        }
        buffer.position(start + done);
        return done;
    }

    /** FLUSH, DISCARD, WRITE_ZEROES or TRUNCATE; returns when it is done. */
    public void command(IoOp op, Target target, long position, long length) throws ErrnoException {
        SyncChannel channel = lease(target);
        if (channel == null) {
            AwaitedResult result = new AwaitedResult();
            submitCommand(op, target, position, length, result);
            result.await();
        } else {
            try {
                checkOpen(target);
                channel.operation().command(op, target, position, length);
                perform(channel);
            } finally {
                channel.release();
            }
        }
    }

    /**
     * Goes on at once; the completion hears of the end.
     *
     * @param region of {@link SharedBuffers#use}, whose use ends with the operation.
     */
    public void submitTransfer(
            IoOp op,
            Target target,
            ByteBuffer buffer,
            SharedBuffers.Region region,
            long position,
            Completion completion) {
        Operation operation = transferOf(region, op, target, buffer, position);
        shared.submit(operation.copied(region).then(completion));
    }

    /** The region's use ends where there is no operation with which it could end. */
    private static Operation transferOf(
            SharedBuffers.Region region, IoOp op, Target target, ByteBuffer buffer, long position) {
        try {
            return new Operation().transfer(op, target, buffer, position);
        } catch (Throwable e) {
            if (region != null) {
                region.endUse();
            }
            throw e;
        }
    }

    /**
     * Likewise, where the region is of {@link #buffers}, of whose memory the store then takes, or
     * into which it puts.
     *
     * @return false where it is not, and nothing was done.
     */
    public boolean submitInPlace(
            IoOp op,
            Target target,
            ByteBuffer buffer,
            SharedBuffers.Region region,
            long position,
            Completion completion) {
        if (!region.isOf(buffers)) {
            return false;
        }
        Operation operation = transferOf(region, op, target, buffer, position);
        shared.submit(operation.inPlace(region).then(completion));
        return true;
    }

    /**
     * {@link #submitInPlace}, and returns when it is done: bytes; -1 where the buffer lies
     * elsewhere, and nothing was done.
     */
    public long transferInPlace(IoOp op, Target target, ByteBuffer buffer, long position)
            throws ErrnoException {
        AwaitedResult result = new AwaitedResult();
        SharedBuffers.Region region = SharedBuffers.use(buffer);
        if (region == null) {
            return -1;
        }
        if (!submitInPlace(op, target, buffer, region, position, result)) {
            region.endUse();
            return -1;
        }
        return result.await();
    }

    /** Goes on at once; the completion hears of the end, with 0. */
    public void submitCommand(
            IoOp op, Target target, long position, long length, Completion completion) {
        shared.submit(new Operation().command(op, target, position, length).then(completion));
    }

    /**
     * Returns when nothing is under way of a target that is closed to others, whatever interrupts.
     */
    public void awaitIdle(Target closed) {
        if (awaitNobodyAt(closed)) {
            Thread.currentThread().interrupt();
        }
        closed.gate().awaitIdle(relieveCompleter);
    }

    /** For who waits, again and again: see {@link AsyncChannel#relieveCompleter}. */
    public void relieveCompleter() {
        shared.relieveCompleter();
    }

    /** Until no thread that waits is at work with it: whether that was interrupted. */
    private boolean awaitNobodyAt(Target closed) {
        boolean interrupted = false;
        for (SyncChannel channel : leased) {
            long pause = LOOK_NANOS;
            while (channel.isBusyFor(closed)) {
                LockSupport.parkNanos(pause);
                pause = Math.min(2 * pause, LONGEST_LOOK_NANOS);
                interrupted |= Thread.interrupted(); // or it would not park again
            }
        }
        return interrupted;
    }

    /**
     * Memory of {@link #buffers}; null where less than that is left in a row.
     *
     * @throws ErrnoException ENOTCONN where the broker has not come back in time.
     */
    public SharedBuffers.Region allocate(int bytes) throws ErrnoException {
        while (true) {
            SharedBuffers current = buffers;
            SharedBuffers.Region region = current.allocate(bytes);
            if (region != null || !current.isRetired()) {
                return region;
            }
            if (current == buffers) {
                throw new ErrnoException(Errno.ENOTCONN, "the broker has not come back");
            }
        }
    }

    /** The part of the first channel's arena that is the program's. */
    public SharedBuffers buffers() {
        return buffers;
    }

    /**
     * Null where the thread is a virtual one, which must not sleep in a futex, or all are taken.
     * {@link #checkOpen} follows.
     */
    private SyncChannel lease(Target target) {
        if (Thread.currentThread().isVirtual()) {
            return null;
        }
        int start = (int) Thread.currentThread().threadId();
        for (int i = 0; i < leased.length; i++) {
            SyncChannel channel = leased[((start + i) & Integer.MAX_VALUE) % leased.length];
            if (channel.tryLease(target)) {
                return channel;
            }
        }
        return null;
    }

    private static void checkOpen(Target target) throws ErrnoException {
        if (!target.isOpen()) {
            throw new ErrnoException(Errno.EBADF, "the file is closed meanwhile");
        }
    }

    private static long perform(SyncChannel channel) throws ErrnoException {
        Operation operation = channel.operation();
        channel.perform();
        switch (operation.failure()) {
            case null -> {}
            case ErrnoException failure -> throw failure;
            case RuntimeException failure -> throw failure;
            case Error failure -> throw failure;
            case Throwable failure -> throw new IllegalStateException(failure);
        }
        long result = operation.finish();
        if (result < 0) {
            throw new ErrnoException(Errno.of((int) result), operation.describe());
        }
        return result;
    }
}
