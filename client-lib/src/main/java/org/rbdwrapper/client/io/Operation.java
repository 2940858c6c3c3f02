package org.rbdwrapper.client.io;

import org.rbdwrapper.ipc.Errno;
import org.rbdwrapper.ipc.ErrnoException;
import org.rbdwrapper.ipc.codec.IoOp;

import java.nio.ByteBuffer;

/**
 * What a caller wants done, and how far it is: split into pieces that fit the arena, which may
 * complete in any order, and joined again. The result is the number of bytes that were done without
 * a gap; a failure counts only where nothing came before it, as with pread(2).
 *
 * <p>Used by one thread at a time, and over and over by a channel that is leased: no operation
 * allocates there.
 */
final class Operation {
    IoOp op;
    int handle;
    long position;
    long length;
    private Completion completion;
    private SharedBuffers.Region region;
    private int arenaStart;
    private ByteBuffer buffer;
    private int bufferStart;
    private long submitted;
    private int inFlight;
    private long end;
    private long failure;

    /** READ or WRITE of what is left of a buffer. */
    Operation transfer(IoOp newOp, int newHandle, ByteBuffer newBuffer, long newPosition) {
        begin(newOp, newHandle, newPosition, newBuffer.remaining());
        buffer = newBuffer;
        bufferStart = newBuffer.position();
        return this;
    }

    /** The transfer's bytes are where the store takes or puts them: in a region of the arena. */
    Operation inPlace(SharedBuffers.Region newRegion) {
        region = newRegion;
        arenaStart = newRegion.arenaOffset(buffer);
        return this;
    }

    /** Who hears of its end. */
    Operation then(Completion newCompletion) {
        completion = newCompletion;
        return this;
    }

    /** FLUSH, DISCARD or WRITE_ZEROES: one request, whatever its length. */
    Operation command(IoOp newOp, int newHandle, long newPosition, long newLength) {
        begin(newOp, newHandle, newPosition, newLength);
        buffer = null;
        return this;
    }

    private void begin(IoOp newOp, int newHandle, long newPosition, long newLength) {
        op = newOp;
        handle = newHandle;
        position = newPosition;
        length = newLength;
        region = null;
        submitted = 0;
        inFlight = 0;
        end = newLength;
        failure = 0;
    }

    boolean isTransfer() {
        return buffer != null;
    }

    boolean isInPlace() {
        return region != null;
    }

    /** Of an operation in place: where in the arena its next piece is. */
    int nextArenaOffset() {
        return arenaStart + (int) submitted;
    }

    ByteBuffer buffer() {
        return buffer;
    }

    /** Where in the buffer a piece begins. */
    int bufferIndex(long pieceOffset) {
        return bufferStart + (int) pieceOffset;
    }

    /** True as long as another piece is to be submitted. */
    boolean hasNext() {
        return isTransfer() ? submitted < end : submitted == 0 && inFlight == 0;
    }

    /** Bytes from the operation's start to its next piece. */
    long nextOffset() {
        return submitted;
    }

    int nextLength(int limit) {
        return (int) Math.min(limit, length - submitted);
    }

    void onSubmitted(int pieceLength) {
        submitted += isTransfer() ? pieceLength : 1;
        inFlight++;
    }

    /** A piece has come back: bytes done, or a negative error number. */
    void onCompleted(long pieceOffset, int pieceLength, long result) {
        inFlight--;
        if (!isTransfer()) {
            failure = Math.min(result, 0);
            return;
        }
        long reached = pieceOffset + Math.max(result, 0);
        if (result < pieceLength && reached < end) {
            end = reached;
            failure = Math.min(result, 0);
        }
    }

    boolean isDone() {
        return inFlight == 0 && !hasNext();
    }

    /**
     * Called once: bytes done, or a negative error number where none was; moves the buffer's
     * position.
     */
    long finish() {
        if (!isTransfer()) {
            return failure;
        }
        if (end == 0 && failure < 0) {
            return failure;
        }
        buffer.position(bufferStart + (int) end);
        buffer = null; // it is the caller's again
        return end;
    }

    /** Called once, with nothing locked: what follows from its end may submit. */
    void complete() {
        long result = finish();
        if (result < 0) {
            fail(new ErrnoException(Errno.of((int) result), describe()));
        } else {
            endUse();
            completion.onDone(result);
        }
    }

    void fail(ErrnoException failure) {
        endUse();
        completion.onFailed(failure);
    }

    private void endUse() {
        if (region != null) {
            region.endUse();
        }
    }

    /** For messages. */
    String describe() {
        String name = op.name().toLowerCase(java.util.Locale.ROOT).replace('_', ' ');
        return op == IoOp.FLUSH ? name : name + " of " + length + " bytes at " + position;
    }
}
