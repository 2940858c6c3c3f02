package org.rbdwrapper.broker.messenger;

import org.agrona.concurrent.ManyToOneConcurrentLinkedQueue;
import org.rbdwrapper.broker.Unexpected;
import org.rbdwrapper.broker.store.CompletionRegistry;
import org.rbdwrapper.broker.store.StoreImage;
import org.rbdwrapper.ipc.Errno;

import java.util.ArrayDeque;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Changes of more than an object, in pieces: librbd makes a request of each object that a discard
 * touches, all at once, and one discard of 4 TiB is a million of them before anybody else's next
 * read. Here a user has no more than so many objects under way, over all his sessions, and a change
 * ends with the client that it is for.
 *
 * <pre>
 *   users in turn ──▶ images of the user in turn ──▶ changes of the image in turn ──▶ next piece
 * </pre>
 *
 * <p>What is counted is objects and not pieces, so that many changes of a few objects each are not
 * held up by being many. An image without a piece of the user under way gets one whatever else he
 * has: one whose store does not answer keeps nobody from another.
 *
 * <p>Pieces are sent by a thread of its own: to submit one costs librbd some requests, and neither
 * a messenger nor a callback of librbd, which others wait for, is the place for that. Anybody may
 * submit a change; all else is that thread's. In tests it is whoever comes ({@link #signal}), one
 * at a time.
 */
final class LongChanges {
    /** Objects of one piece, of 4 MiB each by default; it ends at the end of one. */
    static final int PIECE_OBJECTS = 4;

    /**
     * Under way for one user: his long changes then cost others about what a client costs that has
     * so many small writes under way.
     */
    static final int MAX_USER_OBJECTS = 2 * PIECE_OBJECTS;

    /** For all users. */
    static final int MAX_OBJECTS = 16 * MAX_USER_OBJECTS;

    private final Executor executor;
    private final ManyToOneConcurrentLinkedQueue<LongChange> begun =
            new ManyToOneConcurrentLinkedQueue<>();
    private final ManyToOneConcurrentLinkedQueue<ChangePiece> done =
            new ManyToOneConcurrentLinkedQueue<>();

    /** How often somebody wanted it gone on with; one at a time does. */
    private final AtomicInteger calls = new AtomicInteger();

    private volatile boolean someAreUnwanted;
    private final AtomicInteger objects = new AtomicInteger(); // others only read it

    /** Changes that were submitted and have not ended. */
    private final AtomicInteger unended = new AtomicInteger();

    // of the one that runs it
    private final ArrayDeque<UserFlow> turns = new ArrayDeque<>();
    private final ArrayDeque<ChangePiece> freePieces = new ArrayDeque<>();

    /**
     * @param executor runs what it is given, on whatever thread, never two at a time.
     */
    LongChanges(Executor executor) {
        this.executor = executor;
    }

    /** Any thread. */
    void submit(LongChange change) {
        unended.getAndIncrement();
        begun.add(change);
        signal();
    }

    /** Any thread: some changes may be unwanted from now on, and need not wait for their turn. */
    void onUnwanted() {
        if (unended.get() > 0) {
            someAreUnwanted = true;
            signal();
        }
    }

    /** Under way, of all users; a snapshot. */
    int objects() {
        return objects.get();
    }

    /** Nothing is under way, and nothing comes. */
    void close() {
        for (ChangePiece piece : freePieces) {
            CompletionRegistry.instance().release(piece);
        }
        freePieces.clear();
    }

    private void onPieceDone(ChangePiece piece) {
        done.add(piece);
        signal();
    }

    private void signal() {
        if (calls.getAndIncrement() == 0) {
            boolean begins = false;
            try {
                executor.execute(this::run);
                begins = true;
            } finally {
                if (!begins) {
                    calls.set(0); // the next one tries it
                }
            }
        }
    }

    /** A store that completes at once calls {@link #signal} from within, which ends there. */
    private void run() {
        int seen = 1;
        try {
            do {
                boolean more = true;
                while (more) {
                    more = step();
                }
                seen = calls.addAndGet(-seen);
            } while (seen != 0);
        } finally {
            if (seen != 0) {
                calls.set(0); // it was thrown out of this, and the next one goes on
            }
        }
    }

    /** Takes note of what has happened, and sends one piece, if there is room for one. */
    private boolean step() {
        try {
            for (ChangePiece piece = done.poll(); piece != null; piece = done.poll()) {
                end(piece);
            }
            for (LongChange change = begun.poll(); change != null; change = begun.poll()) {
                add(change);
            }
            if (someAreUnwanted) {
                someAreUnwanted = false;
                dropUnwanted();
            }
            return sendNext();
        } catch (RuntimeException | Error e) {
            Unexpected.log("long changes", e);
            return false;
        }
    }

    private void add(LongChange change) {
        UserFlow user = change.user;
        user.changes.add(change);
        if (!user.changes.listed) {
            user.changes.listed = true;
            turns.add(user);
        }
    }

    private void end(ChangePiece piece) {
        LongChange change = piece.change;
        objects.addAndGet(-piece.weight);
        change.user.changes.onPieceDone(change, piece.weight, piece.result());
        piece.change = null;
        freePieces.push(piece);
        finishIfOver(change);
    }

    private void dropUnwanted() {
        for (UserFlow user : turns) {
            user.changes.takeUnwanted().forEach(this::finishIfOver);
        }
    }

    private void finishIfOver(LongChange change) {
        if (change.piecesUnderWay == 0 && !change.queued && change.isOver()) {
            unended.getAndDecrement();
            Unexpected.contain("the end of a long change", change::finish);
        }
    }

    private boolean sendNext() {
        for (int i = turns.size(); i > 0; i--) {
            UserFlow user = turns.poll();
            try {
                if (sendNext(user.changes)) {
                    return true;
                }
            } finally {
                if (user.changes.turns.isEmpty()) {
                    user.changes.listed = false;
                } else {
                    turns.add(user);
                }
            }
        }
        return false;
    }

    private boolean sendNext(UserChanges user) {
        for (int i = user.turns.size(); i > 0; i--) {
            UserChanges.OfImage of = user.turns.poll();
            try {
                if (sendNext(user, of)) {
                    return true;
                }
            } finally {
                if (of.queue.isEmpty()) {
                    user.forgetIfIdle(of);
                } else {
                    user.turns.add(of);
                }
            }
        }
        return false;
    }

    private boolean sendNext(UserChanges user, UserChanges.OfImage of) {
        for (LongChange change = of.queue.peek(); change != null; change = of.queue.peek()) {
            long size = change.image.size();
            if (change.next >= size) {
                change.next = change.end; // the image has become shorter, and the rest has gone
            }
            if (change.isOver()) {
                of.queue.poll();
                change.queued = false;
                finishIfOver(change);
                continue;
            }
            long from = change.next;
            long to = pieceEnd(change.image, from, Math.min(change.end, size));
            int weight = weight(change.image, from, to);
            if (of.piecesUnderWay > 0
                    && (user.objects + weight > MAX_USER_OBJECTS
                            || objects.get() + weight > MAX_OBJECTS)) {
                return false;
            }
            ChangePiece piece = takePiece();
            if (piece == null) {
                change.fail(-Errno.ENOMEM.number());
                continue;
            }
            of.queue.poll();
            change.next = to;
            change.queued = !change.isSent();
            if (change.queued) {
                of.queue.add(change); // behind the others of its image
            }
            piece.change = change;
            piece.weight = weight;
            objects.addAndGet(weight);
            user.onPieceSent(change, weight);
            piece.submit(change.image, change.op, from, to - from);
            return true;
        }
        return false;
    }

    /** Null where none can be made. */
    private ChangePiece takePiece() {
        ChangePiece piece = freePieces.poll();
        try {
            return piece != null
                    ? piece
                    : CompletionRegistry.instance()
                            .register(id -> new ChangePiece(id, this::onPieceDone));
        } catch (RuntimeException | Error e) {
            Unexpected.log("a piece of a change", e);
            return null;
        }
    }

    /**
     * Where whole objects end, which a discard then removes; of a striped image, where sets of them
     * do, unless a set is much more than a piece.
     */
    static long pieceEnd(StoreImage image, long from, long end) {
        long objectSize = image.objectSize();
        long set = image.objectSetSize();
        long length = PIECE_OBJECTS * objectSize;
        long unit = set <= 4 * length ? set : objectSize;
        length = Math.max(length, unit);
        if (end - from <= length) {
            return end;
        }
        long to = from + length;
        return to - to % unit;
    }

    /** How many objects a piece touches, or in a striped image as good as touches. */
    private static int weight(StoreImage image, long from, long to) {
        long objectSize = image.objectSize();
        return (int) ((to - 1) / objectSize - from / objectSize + 1);
    }
}
