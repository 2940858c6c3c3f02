package org.rbdwrapper.broker.messenger;

import org.rbdwrapper.broker.store.StoreImage;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;

/** The long changes of one user. Owned by {@link LongChanges}. */
final class UserChanges {
    private final IdentityHashMap<StoreImage, OfImage> byImage = new IdentityHashMap<>();

    /** Of images that have changes with pieces to send, in turn. */
    final ArrayDeque<OfImage> turns = new ArrayDeque<>();

    /** Under way. */
    int objects;

    /** Whether {@link LongChanges} has it in its turns. */
    boolean listed;

    /** Of one image. */
    static final class OfImage {
        final StoreImage image;
        final ArrayDeque<LongChange> queue = new ArrayDeque<>();
        int piecesUnderWay;

        OfImage(StoreImage image) {
            this.image = image;
        }
    }

    void add(LongChange change) {
        OfImage of = byImage.computeIfAbsent(change.image, OfImage::new);
        if (of.queue.isEmpty()) {
            turns.add(of);
        }
        of.queue.add(change);
        change.queued = true;
    }

    void onPieceSent(LongChange change, int weight) {
        objects += weight;
        byImage.get(change.image).piecesUnderWay++;
        change.piecesUnderWay++;
    }

    /** A change that is over then is in no queue. */
    void onPieceDone(LongChange change, int weight, long result) {
        OfImage of = byImage.get(change.image);
        objects -= weight;
        of.piecesUnderWay--;
        change.onPieceDone(result);
        if (change.queued && change.isOver()) {
            change.queued = false;
            of.queue.remove(change);
            if (of.queue.isEmpty()) {
                turns.remove(of);
            }
        }
        forgetIfIdle(of);
    }

    void forgetIfIdle(OfImage of) {
        if (of.piecesUnderWay == 0 && of.queue.isEmpty()) {
            byImage.remove(of.image);
        }
    }

    /** Takes those out of the queues that nobody wants any more; the others keep their turns. */
    List<LongChange> takeUnwanted() {
        List<LongChange> unwanted = new ArrayList<>();
        for (OfImage of : List.copyOf(turns)) {
            of.queue.removeIf(
                    change -> {
                        if (change.isUnwanted()) {
                            change.queued = false;
                            unwanted.add(change);
                        }
                        return !change.queued;
                    });
            if (of.queue.isEmpty()) {
                turns.remove(of);
                forgetIfIdle(of);
            }
        }
        return unwanted;
    }
}
