package org.rbdwrapper.client.io;

import org.rbdwrapper.ipc.Errno;
import org.rbdwrapper.ipc.ErrnoException;
import org.rbdwrapper.ipc.codec.IoOp;

import java.nio.ByteBuffer;
import java.util.concurrent.locks.LockSupport;

/**
 * What a caller wants done, and how far it is: split into pieces that fit the arena, which may
 * complete in any order, and joined again. The result is the number of bytes that were done without
 * a gap; a failure counts only where nothing came before it, as with pread(2).
 *
 * <pre>
 *   RUNNING ──────── last piece submitted ───────▶ ALL SUBMITTED
 *      │                                               │    │
 *      │ a copy or its own code throws: stop           │    │ last answer
 *      │ its buffer is given up: stop(GIVEN_UP)        │    │
 *      ▼                                               │    │
 *   STOPPED ◀─────────────── likewise ─────────────────┘    │
 *   nothing is submitted, copied, or done again             │
 *      └───────────────────── last answer ──────────────▶ DONE ── settle ──▶ SETTLED
 *                                                     the buffer is the caller's again
 * </pre>
 *
 * <p>What stops one is what its caller gets, and no other operation hears of it. It is not done
 * before the last of its pieces has its answer: until then the store works in its blocks of the
 * arena.
 *
 * <p>Used by one thread at a time, and over and over by a channel that is leased: no operation
 * allocates there.
 */
final class Operation {
    /** Not a failure: the caller has taken his buffer back, and nobody waits for an end. */
    @SuppressWarnings("StaticAssignmentOfThrowable") // a mark, which is never thrown
    private static final Throwable GIVEN_UP = new GivenUp();

    private static final int TRIES_TO_TELL = 3;
    private static final long BEFORE_NEXT_NANOS = 1_000_000;

    /** Without a stack trace, which would keep the classes of the program that comes first. */
    private static final class GivenUp extends RuntimeException {
        private static final long serialVersionUID = 1;

        GivenUp() {
            super("given up by its caller", null, false, false);
        }
    }

    /** Its place in one of these: {@link OperationQueue}'s. */
    OperationQueue queue;

    Operation after;

    IoOp op;
    private Target target;
    long position;
    long length;
    private Completion completion;
    private boolean begun;
    private boolean limitMoved;
    private SharedBuffers.Region region;
    private boolean inPlace;
    private boolean settled;
    private int arenaStart;
    private ByteBuffer buffer;
    private int bufferStart;
    private long submitted;
    private Pieces again; // null until a link was lost
    int inFlight; // pieces that are published and have no answer; the channel's
    private long end;
    private long failure; // from when it is settled: the result

    /** Null as long as it goes on. */
    private Throwable stopped;

    /** READ or WRITE of what is left of a buffer. */
    Operation transfer(IoOp newOp, Target newTarget, ByteBuffer newBuffer, long newPosition) {
        fill(newOp, newTarget, newPosition, newBuffer.remaining());
        buffer = newBuffer;
        bufferStart = newBuffer.position();
        return this;
    }

    /** The transfer's bytes are where the store takes or puts them: in a region of the arena. */
    Operation inPlace(SharedBuffers.Region newRegion) {
        inPlace = true;
        return copied(newRegion);
    }

    /** The buffer lies in a region whose bytes are copied. */
    Operation copied(SharedBuffers.Region newRegion) {
        region = newRegion;
        if (newRegion != null) {
            arenaStart = newRegion.arenaOffset(buffer);
        }
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
        settled = false;
        limitMoved = false;
        submitted = 0;
        again = null;
        inFlight = 0;
        end = newLength;
        failure = 0;
        stopped = null;
    }

    /** Nothing more is submitted or copied; the first reason counts. */
    void stop(Throwable why) {
        if (stopped == null) {
            stopped = why;
        }
    }

    /** To be asked before each copy: whether that is to be done. */
    boolean mayCopy() {
        if (stopped == null && completion != null && completion.isGivenUp()) {
            stopped = GIVEN_UP;
        }
        return stopped == null;
    }

    /** Why it was stopped; null where it was not, or where nobody is to hear of it. */
    Throwable failure() {
        return stopped == GIVEN_UP ? null : stopped;
    }

    /** Before it is submitted: whom its caller waits for when he gives the buffer up. */
    void hold(BufferHold hold) {
        completion.onHeld(hold);
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

    /** Of one in place: where in the arena its next piece is. */
    int nextArenaOffset() {
        return arenaStart + (int) nextOffset();
    }

    /** What is copied to or from: the buffer, or the memory of the region that it lies in. */
    ByteBuffer copied() {
        return region == null ? buffer : region.memory();
    }

    /** Where in it a piece begins. */
    int indexOf(long pieceOffset) {
        return (region == null ? bufferStart : arenaStart - region.offset) + (int) pieceOffset;
    }

    /** True as long as another piece is to be submitted. */
    boolean hasNext() {
        return hasAgain() || hasNew();
    }

    /** There are pieces that a link which is dead has not answered. */
    boolean hasAgain() {
        return stopped == null && again != null && !again.isEmpty();
    }

    boolean hasInFlight() {
        return inFlight > 0;
    }

    private boolean hasNew() {
        if (stopped != null) {
            return false;
        }
        return isTransfer() ? submitted < end : submitted == 0 && inFlight == 0;
    }

    /** Bytes from the operation's start to its next piece. */
    long nextOffset() {
        return hasAgain() ? again.offset() : submitted;
    }

    int nextLength(int limit) {
        return (int) Math.min(limit, hasAgain() ? again.length() : length - submitted);
    }

    /** Its next piece is about to be published, or it is stopped. */
    void advance(int pieceLength) {
        if (hasAgain()) {
            again.take(isTransfer() ? pieceLength : 1);
        } else {
            submitted += isTransfer() ? pieceLength : 1;
        }
    }

    int handle() {
        return target.handle();
    }

    /** The link is dead, and this piece has no answer. */
    void onLost(long pieceOffset, int pieceLength) {
        inFlight--;
        inPlace = false; // the next link's arena is another
        if (stopped != null) {
            return;
        }
        try {
            if (again == null) {
                again = new Pieces();
            }
            again.addFirst(pieceOffset, isTransfer() ? pieceLength : 1);
        } catch (Throwable e) { // there is no memory to remember it
            stop(e);
        }
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

    /**
     * A piece has come back: bytes done, or a negative error number. Once more is as once, until
     * {@link #inFlight} counts it.
     */
    void onCompleted(long pieceOffset, int pieceLength, long result) {
        if (!isTransfer()) {
            failure = Math.min(result, 0);
        } else {
            long reached = pieceOffset + Math.max(result, 0);
            if (result < pieceLength && reached < end) {
                end = reached;
                failure = Math.min(result, 0);
            }
        }
        inFlight--;
    }

    /** Whether a copy threw this since the program has moved the buffer's limit meanwhile. */
    boolean isLimitMoved(Throwable thrown) {
        return thrown instanceof IndexOutOfBoundsException && buffer.limit() - bufferStart < length;
    }

    ErrnoException limitMoved() {
        limitMoved = true;
        return new ErrnoException(Errno.EINVAL, describe());
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

    /**
     * Of an operation that has a completion and is done, under the lock that its buffer's copies
     * are made under: moves the buffer's position, and has nothing to do with the buffer from then
     * on. It is over before the program hears of it: what follows may wait for a thread that closes
     * the file, or end the process.
     */
    void settle() {
        if (mayCopy()) {
            failure = finish();
        }
        letGo();
        settled = true;
        try {
            end();
        } catch (Throwable e) {
            stop(e);
        }
    }

    /** Likewise, under that lock. */
    boolean isSettled() {
        return settled;
    }

    /**
     * After {@link #settle}, with nothing locked: what follows from its end may submit.
     *
     * @return false where there is no memory to tell it; this is to be called again.
     */
    boolean tell() {
        if (stopped == GIVEN_UP) {
            return true;
        }
        Throwable thrown = null;
        for (int i = 0; i < TRIES_TO_TELL; i++) {
            if (i > 0 && !completion.isDone()) {
                LockSupport.parkNanos(BEFORE_NEXT_NANOS);
            }
            try {
                if (thrown != null) {
                    completion.onFailed(thrown); // also what else depends on it hears of its end
                } else if (stopped != null) {
                    completion.onFailed(stopped);
                } else if (failure < 0) {
                    completion.onFailed(new ErrnoException(Errno.of((int) failure), describe()));
                } else {
                    completion.onDone(failure);
                }
                return true;
            } catch (Throwable e) {
                thrown = e;
            }
        }
        return completion.isDone();
    }

    /** Its buffer is of no more use. */
    void letGo() {
        buffer = null;
    }

    /** It was not submitted, and never will be. */
    void fail(ErrnoException why) {
        stop(why);
        settle();
        tell();
    }

    /** Gives back what it has, once. Also of one that could not be submitted. */
    void end() {
        SharedBuffers.Region used = region;
        boolean had = begun;
        region = null;
        begun = false;
        try {
            if (used != null) {
                used.endUse();
            }
        } finally {
            if (had) {
                target.gate().end();
            }
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
