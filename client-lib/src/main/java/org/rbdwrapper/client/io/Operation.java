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
    private Target target;
    long position;
    long length;
    private Completion completion;
    private boolean begun;
    private boolean limitMoved;
    private SharedBuffers.Region region;
    private boolean inPlace;
    private int arenaStart;
    private ByteBuffer buffer;
    private int bufferStart;
    private long submitted;
    private Pieces again; // null until a link was lost
    private int inFlight;
    private long end;
    private long failure;

    /** READ or WRITE of what is left of a buffer. */
    Operation transfer(IoOp newOp, Target newTarget, ByteBuffer newBuffer, long newPosition) {
        fill(newOp, newTarget, newPosition, newBuffer.remaining());
        buffer = newBuffer;
        bufferStart = newBuffer.position();
        return this;
    }

    /** The transfer's bytes are where the store takes or puts them: in a region of the arena. */
    Operation inPlace(SharedBuffers.Region newRegion) {
        region = newRegion;
        inPlace = true;
        arenaStart = newRegion.arenaOffset(buffer);
        return this;
    }

    /** The buffer lies in a region whose bytes are copied. */
    Operation copied(SharedBuffers.Region newRegion) {
        region = newRegion;
        return this;
    }

    /** Who hears of its end. */
    Operation then(Completion newCompletion) {
        completion = newCompletion;
        return this;
    }

    /** FLUSH, DISCARD, WRITE_ZEROES or TRUNCATE: one request, whatever its length. */
    Operation command(IoOp newOp, Target newTarget, long newPosition, long newLength) {
        fill(newOp, newTarget, newPosition, newLength);
        buffer = null;
        return this;
    }

    private void fill(IoOp newOp, Target newTarget, long newPosition, long newLength) {
        op = newOp;
        target = newTarget;
        position = newPosition;
        length = newLength;
        region = null;
        inPlace = false;
        limitMoved = false;
        submitted = 0;
        again = null;
        inFlight = 0;
        end = newLength;
        failure = 0;
    }

    boolean isTransfer() {
        return buffer != null;
    }

    boolean isInPlace() {
        return inPlace;
    }

    /**
     * Before it is submitted, of an operation that has a completion.
     *
     * @return false where the image is being closed: it is to {@link #fail}.
     */
    boolean begin() {
        begun = target.gate().begin();
        return begun;
    }

    /** Before it is submitted on this link: its region may be of one before. */
    void checkPlace(Link link) {
        inPlace = inPlace && region.link() == link;
    }

    /** Of an operation in place: where in the arena its next piece is. */
    int nextArenaOffset() {
        return arenaStart + (int) nextOffset();
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
        return hasAgain() || hasNew();
    }

    /** There are pieces that a link which is dead has not answered. */
    boolean hasAgain() {
        return again != null && !again.isEmpty();
    }

    boolean hasInFlight() {
        return inFlight > 0;
    }

    private boolean hasNew() {
        return isTransfer() ? submitted < end : submitted == 0 && inFlight == 0;
    }

    /** Bytes from the operation's start to its next piece. */
    long nextOffset() {
        return hasAgain() ? again.offset() : submitted;
    }

    int nextLength(int limit) {
        return (int) Math.min(limit, hasAgain() ? again.length() : length - submitted);
    }

    void onSubmitted(int pieceLength) {
        if (hasAgain()) {
            again.take(isTransfer() ? pieceLength : 1);
        } else {
            submitted += isTransfer() ? pieceLength : 1;
        }
        inFlight++;
    }

    int handle() {
        return target.handle();
    }

    /** The link is dead, and this piece has no answer. */
    void onLost(long pieceOffset, int pieceLength) {
        if (again == null) {
            again = new Pieces();
        }
        again.add(pieceOffset, isTransfer() ? pieceLength : 1);
        inFlight--;
        inPlace = false; // the next link's arena is another
    }

    /**
     * Before it goes on with the next link: what may not be done again, or not at all, has failed.
     *
     * @param late whether others have gone on without this session.
     */
    void onNextLink(boolean late) {
        inPlace = false;
        Errno refused = target.failure();
        if (refused == null && late && op != IoOp.READ && op != IoOp.FLUSH && hasAgain()) {
            refused = Errno.EIO;
        }
        if (refused == null) {
            return;
        }
        while (hasAgain()) {
            long offset = again.offset();
            int lost = again.length();
            again.take(lost);
            inFlight++;
            onCompleted(offset, lost, -refused.number());
        }
        if (hasNew()) {
            long offset = submitted;
            submitted = isTransfer() ? end : 1;
            inFlight++;
            onCompleted(offset, 1, -refused.number());
        }
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
        if (end > buffer.limit() - bufferStart) {
            buffer = null;
            limitMoved = true;
            return -Errno.EINVAL.number();
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
            end();
            completion.onDone(result);
        }
    }

    void fail(ErrnoException why) {
        end();
        completion.onFailed(why);
    }

    /**
     * Before the program hears of it: what follows may wait for a thread that closes the file, or
     * end the process. Also of one that could not be submitted.
     */
    void end() {
        if (region != null) {
            region.endUse();
        }
        if (begun) {
            target.gate().end();
        }
    }

    /** For messages. */
    String describe() {
        if (op == IoOp.TRUNCATE) {
            return "truncation to " + position + " bytes";
        }
        String name = op.name().toLowerCase(java.util.Locale.ROOT).replace('_', ' ');
        return op == IoOp.FLUSH
                ? name
                : name
                        + " of "
                        + length
                        + " bytes at "
                        + position
                        + (limitMoved ? " by a buffer whose limit was moved meanwhile" : "");
    }
}
