package org.rbdwrapper.broker.messenger;

import org.rbdwrapper.broker.store.CompletionRegistry;
import org.rbdwrapper.broker.store.StoreImage;
import org.rbdwrapper.ipc.Errno;
import org.rbdwrapper.ipc.codec.IoOp;

import java.util.Arrays;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Where the files end that an image is to programs which have truncated it: what is skipped behind
 * that end reads as zeroes, as it does in a regular file, which an image says it is. What nobody
 * extends the file to stays as it was.
 *
 * <pre>
 *              end                                        end
 *               v                                          v
 *   [ contents  | what was there before        ]    a file that was truncated, and written to
 *   [ contents  | 0 0 0 0 0 | write |          ]    a write behind its end: zeroes first, and then
 *   [ contents                      | what was ]    the end moves, and the write is submitted
 * </pre>
 *
 * <p>An end is there as long as an open that was truncated is. It is the file's and not the open's:
 * who else writes to the image moves it, too, so that what has been acknowledged lies before it and
 * is not made zeroes of. An image has an end for each of its parts that is a file to somebody: all
 * of it, or a partition. A discard moves none: what was given back may read as zeroes.
 *
 * <p>What reaches behind an end while zeroes are written there waits, first come first served: it
 * must not be there before them. So do truncations. Changes before the ends pass, and so does all
 * that changes nothing. The queue is made of the requests themselves, which the clients' depths
 * bound. Zeroes of more than an object are a {@link LongChange}, so that others' requests come in
 * between, and stop with the client that they are for.
 *
 * <p>An end is where the next broker finds it ({@link EndTable}) when the zeroes that it stands for
 * are written, and before the change is submitted that moves it: a client that makes that change
 * again finds it behind, and one that makes its truncation again has it done anew.
 *
 * <p>Any thread, but for what is said to be the conductor's. The lock is held for some comparisons;
 * an image without an end takes none.
 */
public final class LogicalEnds {
    /** Files of one image; more are no use to anybody, and each is looked at by each change. */
    static final int MAX_ENDS = 16;

    private static final LogicalEnd[] NONE = {};

    private final EndTable table;
    private volatile LogicalEnd[] ends = NONE; // replaced under the lock
    private ImageKey image;

    // under the lock
    private InFlightRequest first;
    private InFlightRequest last;
    private LogicalEnd filled; // zeroes are written behind it for the first request; or null
    private long fillTo;
    private boolean fillRuns;
    private boolean fillStopped;
    private long fillFailure;
    private ChangePiece shortFill; // null until it is needed

    /** How often somebody wanted the queue gone on with; one at a time does. */
    private final AtomicInteger calls = new AtomicInteger();

    public LogicalEnds(EndTable table) {
        this.table = table;
    }

    /**
     * Conductor, before the first request of an image: those that a broker before has left are ends
     * until {@link #expectNobody}.
     *
     * @param identity of the image.
     * @return whether there are any.
     */
    public synchronized boolean identify(String identity) {
        if (image == null) {
            image = ImageKey.of(identity);
            for (EndTable.Left left : table.of(image)) {
                LogicalEnd end =
                        new LogicalEnd(left.begin(), left.limit(), left.end(), table, left.place());
                end.await(true);
                add(end);
            }
        }
        return isAnyAwaited();
    }

    /** Whether there is an end. */
    public boolean isAny() {
        return areSome();
    }

    /** Whether there is an end: then changes are submitted by {@link #submit}. */
    boolean areSome() {
        return ends.length > 0;
    }

    /** A change, or a truncation, that was started and says what it is. */
    void submit(InFlightRequest request) {
        if (!request.isTruncation() && isBeforeAll(request.position(), request.length())) {
            request.submit();
            return;
        }
        boolean passes;
        synchronized (this) {
            passes = first == null && !request.isTruncation() && findSkipped(request) == null;
            if (passes) {
                extendAll(request);
            } else {
                add(request);
            }
        }
        if (passes) {
            request.submit();
        } else {
            goOn();
        }
    }

    /** Conductor: a handle is drained, and whoever had it has no use for its end. */
    public synchronized void release(OpenHandle handle) {
        LogicalEnd end = handle.takeEnd();
        if (end != null) {
            end.release();
            dropForgotten();
        }
    }

    /** Conductor: as {@link #release}, of one whose file may be open still, without a handle. */
    public synchronized void leave(OpenHandle handle) {
        LogicalEnd end = handle.takeEnd();
        if (end != null) {
            end.release();
            end.await(true);
        }
    }

    /** Conductor: whoever was to come is here, or does not come. */
    public synchronized void expectNobody() {
        for (LogicalEnd end : ends) {
            end.await(false);
        }
        dropForgotten();
    }

    public synchronized boolean isAnyAwaited() {
        for (LogicalEnd end : ends) {
            if (end.isAwaited()) {
                return true;
            }
        }
        return false;
    }

    /**
     * Conductor: an open that was truncated has this handle from now on, before its first request.
     *
     * @param lastKnown where its client saw the end; -1: it does not know.
     * @return false where the end is not known any more.
     */
    public synchronized boolean keep(OpenHandle handle, long begin, long limit, long lastKnown) {
        LogicalEnd end = find(begin, limit);
        if (end == null && lastKnown >= begin && lastKnown <= limit) {
            end = make(begin, limit, lastKnown);
        }
        if (end != null) {
            handle.hold(end);
        }
        return end != null;
    }

    /** Conductor, when no handle of the image is left. */
    public synchronized void close() {
        if (shortFill != null) {
            CompletionRegistry.instance().release(shortFill);
            shortFill = null;
        }
    }

    private boolean isBeforeAll(long position, long length) {
        for (LogicalEnd end : ends) {
            if (!end.isBefore(position, length)) {
                return false;
            }
        }
        return true;
    }

    // What follows is called with the lock, where nothing else is said.

    private LogicalEnd findSkipped(InFlightRequest request) {
        for (LogicalEnd end : ends) {
            if (end.isSkippedBy(request.position(), request.length())) {
                return end;
            }
        }
        return null;
    }

    private void extendAll(InFlightRequest request) {
        for (LogicalEnd end : ends) {
            end.extend(request.position(), request.length());
        }
    }

    private LogicalEnd find(long begin, long limit) {
        for (LogicalEnd end : ends) {
            if (end.isOf(begin, limit)) {
                return end;
            }
        }
        return null;
    }

    private LogicalEnd make(long begin, long limit, long at) {
        if (ends.length == MAX_ENDS) {
            return null;
        }
        int place = table.take(image, begin, limit, at);
        LogicalEnd made = new LogicalEnd(begin, limit, at, table, place);
        add(made);
        return made;
    }

    private void add(LogicalEnd end) {
        LogicalEnd[] more = Arrays.copyOf(ends, ends.length + 1);
        more[ends.length] = end;
        ends = more;
    }

    /** Not while zeroes are written: who passes no end does not wait for them. */
    private void dropForgotten() {
        if (filled != null) {
            return;
        }
        for (LogicalEnd end : ends) {
            if (end.isForgotten()) {
                end.free();
                LogicalEnd[] left =
                        Arrays.stream(ends)
                                .filter(other -> other != end)
                                .toArray(LogicalEnd[]::new);
                ends = left.length == 0 ? NONE : left;
            }
        }
    }

    private void add(InFlightRequest request) {
        request.next = null;
        if (first == null) {
            first = request;
        } else {
            last.next = request;
        }
        last = request;
    }

    private void takeFirst() {
        first = first.next;
    }

    /**
     * Without the lock. Whoever does it does it for all, also what comes meanwhile: a store that
     * completes at once calls it from within.
     */
    private void goOn() {
        int seen = 1;
        if (calls.getAndIncrement() != 0) {
            return;
        }
        do {
            boolean more = true;
            while (more) {
                more = step();
            }
            seen = calls.addAndGet(-seen);
        } while (seen != 0);
    }

    /** Without the lock: does one thing, if there is one to do. */
    private boolean step() {
        Runnable then;
        synchronized (this) {
            InFlightRequest request = first;
            if (request == null || fillRuns) {
                return false;
            }
            then = filled != null ? endFill(request) : look(request);
        }
        if (then != null) {
            then.run();
        }
        return true;
    }

    private Runnable endFill(InFlightRequest request) {
        LogicalEnd end = filled;
        filled = null;
        if (fillFailure == 0 && !fillStopped) {
            end.moveTo(fillTo);
            return null; // it is looked at again
        }
        dropForgotten();
        long failure = fillFailure;
        takeFirst();
        return failure == 0 ? request::drop : () -> request.onComplete(failure);
    }

    private Runnable look(InFlightRequest request) {
        dropForgotten(); // which may have waited for the zeroes
        if (request.isUnwanted()) {
            takeFirst();
            return request::drop;
        }
        if (request.isTruncation()) {
            return truncate(request);
        }
        LogicalEnd skipped = findSkipped(request);
        if (skipped != null) {
            return beginFill(request, skipped, Math.max(request.position(), skipped.begin));
        }
        extendAll(request);
        takeFirst();
        return request::submit;
    }

    private Runnable truncate(InFlightRequest request) {
        long position = request.position();
        LogicalEnd end = find(request.begin(), request.limit());
        if (end != null && position > end.get()) {
            request.onZeroes();
            return beginFill(request, end, position);
        }
        if (request.mayOnlyGrow()) {
            takeFirst();
            return request::answerExtension;
        }
        if (end == null) {
            end = make(request.begin(), request.limit(), position);
        } else {
            end.moveTo(position);
        }
        takeFirst();
        if (end == null) {
            return () -> request.onComplete(-Errno.ENFILE.number());
        }
        request.handle().hold(end);
        dropForgotten(); // another, which it held before
        return () -> request.onComplete(0);
    }

    private Runnable beginFill(InFlightRequest request, LogicalEnd end, long to) {
        long from = end.get();
        StoreImage image = request.image();
        filled = end;
        fillTo = to;
        fillRuns = true;
        fillStopped = false;
        fillFailure = 0;
        if (LongChange.isLong(image, to - from)) {
            UserFlow user = request.user();
            LongChange zeroes =
                    new LongChange(
                            new LongFill(request), user, image, IoOp.WRITE_ZEROES, from, to - from);
            return () -> user.longChanges().submit(zeroes);
        }
        if (shortFill == null) {
            shortFill =
                    CompletionRegistry.instance()
                            .register(
                                    id ->
                                            new ChangePiece(
                                                    id, piece -> onFillEnd(piece.result(), false)));
        }
        ChangePiece piece = shortFill;
        return () -> piece.submit(image, IoOp.WRITE_ZEROES, from, to - from);
    }

    /** Without the lock. */
    private void onFillEnd(long failure, boolean stopped) {
        synchronized (this) {
            fillRuns = false;
            fillStopped = stopped;
            fillFailure = failure;
        }
        goOn();
    }

    /** For whom zeroes of more than an object are written. */
    private final class LongFill implements LongChange.Owner {
        private final InFlightRequest request;

        LongFill(InFlightRequest request) {
            this.request = request;
        }

        @Override
        public boolean isUnwanted() {
            return request.isUnwanted();
        }

        @Override
        public void onProgress() {
            request.onProgress();
        }

        @Override
        public void onDone() {
            onFillEnd(0, false);
        }

        @Override
        public void onFailed(long result) {
            onFillEnd(result, false);
        }

        @Override
        public void onStopped() {
            onFillEnd(0, true);
        }
    }
}
