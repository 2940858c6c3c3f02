package org.rbdwrapper.broker.session;

import org.rbdwrapper.broker.CallOrigin;
import org.rbdwrapper.broker.Lane;
import org.rbdwrapper.broker.Workers;
import org.rbdwrapper.broker.image.SharedImages;
import org.rbdwrapper.broker.store.ImageRef;
import org.rbdwrapper.broker.store.StoreConnection;
import org.rbdwrapper.broker.store.StoreImage;
import org.rbdwrapper.ipc.ErrnoException;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

/**
 * Answers what a mapped image is like, without a call to the store for each who asks: an image that
 * is open is known, and of another the store is asked once for all who want to know meanwhile.
 *
 * <p>Where the store does not answer, what it said last is told: anybody may ask, and a folder of
 * images is not to be unreadable for one pool that is down. Who opens the image waits for the
 * store.
 *
 * <p>Conductor's thread.
 */
final class ImageInquiries {
    /** How long the store may take before its last answer has to do. */
    private static final long PATIENCE_NANOS = 1_000_000_000L;

    private final StoreConnection administration;
    private final SharedImages images;
    private final Workers workers;
    private final DelayedTasks delayed;
    private final Map<ImageRef, Inquiry> inquiries = new HashMap<>();

    /** Of one mapped image. */
    private static final class Inquiry {
        /** Null: it has not been asked for. */
        ImageFacts lastKnown;

        List<Asker> askers = new ArrayList<>();
        State state = State.IDLE;

        /** How often the store was asked. */
        long times;

        List<Asker> takeAskers() {
            List<Asker> taken = askers;
            askers = new ArrayList<>();
            return taken;
        }
    }

    private enum State {
        IDLE,
        /** The store is asked. */
        ASKED,
        /** It is, and has not answered for long. */
        LATE
    }

    private record Asker(Consumer<ImageFacts> onKnown, Consumer<ErrnoException> onFailure) {}

    ImageInquiries(
            StoreConnection administration,
            SharedImages images,
            Workers workers,
            DelayedTasks delayed) {
        this.administration = administration;
        this.images = images;
        this.workers = workers;
        this.delayed = delayed;
    }

    /**
     * Calls one of the two, now or later.
     *
     * @param uid who asks.
     */
    void ask(
            ImageRef image,
            int uid,
            Consumer<ImageFacts> onKnown,
            Consumer<ErrnoException> onFailure) {
        StoreImage open = images.openInstanceOf(image);
        if (open != null) {
            onKnown.accept(ImageFacts.of(open));
            return;
        }
        Inquiry inquiry = inquiries.computeIfAbsent(image, one -> new Inquiry());
        if (inquiry.state == State.LATE && inquiry.lastKnown != null) {
            onKnown.accept(inquiry.lastKnown);
            return;
        }
        inquiry.askers.add(new Asker(onKnown, onFailure));
        if (inquiry.state == State.IDLE) {
            begin(image, uid, inquiry);
        }
    }

    private void begin(ImageRef image, int uid, Inquiry inquiry) {
        inquiry.state = State.ASKED;
        long time = ++inquiry.times;
        delayed.add(
                System.nanoTime(),
                PATIENCE_NANOS,
                () -> {
                    if (inquiry.state == State.ASKED && inquiry.times == time) {
                        onLate(inquiry);
                    }
                });
        workers.call(
                new CallOrigin(
                        Lane.ofPool(image.spec().pool()), uid, "asking about image " + image),
                () -> ImageFacts.of(administration.describe(image)),
                facts -> {
                    inquiry.state = State.IDLE;
                    inquiry.lastKnown = facts;
                    inquiry.takeAskers().forEach(asker -> asker.onKnown().accept(facts));
                },
                failure -> {
                    inquiry.state = State.IDLE;
                    inquiry.takeAskers().forEach(asker -> asker.onFailure().accept(failure));
                });
    }

    private static void onLate(Inquiry inquiry) {
        inquiry.state = State.LATE;
        ImageFacts facts = inquiry.lastKnown;
        if (facts != null) {
            inquiry.takeAskers().forEach(asker -> asker.onKnown().accept(facts));
        }
    }

    /** The store has told of it on another occasion. */
    void onKnown(ImageRef image, ImageFacts facts) {
        inquiries.computeIfAbsent(image, one -> new Inquiry()).lastKnown = facts;
    }

    /** It is not mapped any more. Who has asked is answered all the same. */
    void forget(ImageRef image) {
        inquiries.remove(image);
    }
}
