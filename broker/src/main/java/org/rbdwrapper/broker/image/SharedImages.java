package org.rbdwrapper.broker.image;

import org.rbdwrapper.broker.Workers;
import org.rbdwrapper.broker.messenger.LogicalEnds;
import org.rbdwrapper.broker.messenger.MessengerPool;
import org.rbdwrapper.broker.messenger.StoreAnswers;
import org.rbdwrapper.broker.store.ImageRef;
import org.rbdwrapper.broker.store.StoreImage;
import org.rbdwrapper.ipc.ErrnoException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.util.Collection;
import java.util.HashMap;
import java.util.Map;
import java.util.function.Predicate;

/** The images that are open on this host. Owned by the conductor. */
public final class SharedImages {
    private static final Logger LOG = LoggerFactory.getLogger(SharedImages.class);

    private final Map<ImageRef, SharedImage> images = new HashMap<>();
    private final Map<ImageRef, StoreAnswers> answers = new HashMap<>();
    private final Map<ImageRef, LogicalEnds> ends = new HashMap<>();
    private final MessengerPool pool;
    private final Workers workers;
    private final EndFile endFile;
    private Predicate<ImageRef> isAwaited = ref -> false;

    public SharedImages(MessengerPool pool, Workers workers, EndFile endFile) {
        this.pool = pool;
        this.workers = workers;
        this.endFile = endFile;
    }

    /**
     * Whether someone may have an image open who has not come back with it, or is about to: as long
     * as that is so, its logical ends stay.
     */
    public void keepEndsWhile(Predicate<ImageRef> someoneIsAwaited) {
        isAwaited = someoneIsAwaited;
    }

    /** Now and then: forgets the logical ends of those who have gone for good. */
    public void lookAtEnds() {
        ends.forEach(
                (ref, of) -> {
                    if (of.isAnyAwaited() && !isAwaited.test(ref)) {
                        of.expectNobody();
                    }
                });
        ends.entrySet()
                .removeIf(
                        entry ->
                                !images.containsKey(entry.getKey())
                                        && !entry.getValue().isAnyAwaited());
    }

    /** Nobody is awaited: of images that nobody has opened since the broker before. */
    public void forgetLeftEnds() {
        endFile.table().freeLeft();
    }

    /** Whether {@link #lookAtEnds} has something to look at. */
    public boolean areEndsAwaited() {
        return ends.values().stream().anyMatch(LogicalEnds::isAnyAwaited);
    }

    /** Opens, or waits for its turn; the request hears of it. */
    public void open(ImageRef ref, OpenRequest request) {
        images.computeIfAbsent(ref, s -> new SharedImage(s, this)).open(request);
    }

    /**
     * Ends an open whose handle is drained.
     *
     * @param done called on the conductor's thread when an instance that nobody uses any more is
     *     closed, too.
     */
    public void close(ImageOpen open, Runnable done) {
        open.shared.close(open, done);
    }

    /**
     * For what needs an image that is not open: runs it when the closings that are under way are
     * done, at once where nobody has the image. A process that has ended may still have requests in
     * flight, and who waited for its end must not be told that the image is in use.
     */
    public void whenUnused(ImageRef ref, Runnable then) {
        SharedImage image = images.get(ref);
        if (image == null) {
            then.run();
        } else {
            image.whenUnused(then);
        }
    }

    /** As {@link #whenUnused}, of an image and all its snapshots. */
    public void whenUnusedWithSnapshots(ImageRef head, Runnable then) {
        for (SharedImage image : images.values()) {
            if (image.ref().head().equals(head) && !image.isUnused()) {
                image.whenUnused(() -> whenUnusedWithSnapshots(head, then));
                return;
            }
        }
        then.run();
    }

    /** An instance that is open of it; null: none is. */
    public StoreImage openInstanceOf(ImageRef ref) {
        SharedImage image = images.get(ref);
        return image == null ? null : image.openInstance();
    }

    /** It has another size, or other bytes, by other means than an open's requests. */
    public void onChanged(ImageRef ref) {
        SharedImage image = images.get(ref);
        if (image != null) {
            image.changes().count();
        }
    }

    /** Of each image that is open, and of those that were until {@link #forgetAnswers}. */
    public Collection<StoreAnswers> answers() {
        return answers.values();
    }

    /**
     * Of images that nobody has open any more: a program that meets an error closes its image
     * before anyone can look.
     *
     * @param isDone whether there is nothing left to be said of them.
     */
    public void forgetAnswers(Predicate<StoreAnswers> isDone) {
        answers.entrySet()
                .removeIf(
                        entry ->
                                !images.containsKey(entry.getKey())
                                        && isDone.test(entry.getValue()));
    }

    StoreAnswers answersOf(ImageRef ref) {
        return answers.computeIfAbsent(ref, s -> new StoreAnswers(s.toString()));
    }

    LogicalEnds endsOf(ImageRef ref) {
        return ends.computeIfAbsent(ref, s -> new LogicalEnds(endFile.table()));
    }

    EndFile endFile() {
        return endFile;
    }

    MessengerPool pool() {
        return pool;
    }

    Workers workers() {
        return workers;
    }

    void forget(SharedImage image) {
        images.remove(image.ref(), image);
        if (!image.ends().isAnyAwaited()) {
            ends.remove(image.ref(), image.ends());
        }
    }

    void onCloseFailure(ImageRef ref, ErrnoException failure) {
        LOG.warn("image {} did not close cleanly: {}", ref, failure.describe());
    }
}
