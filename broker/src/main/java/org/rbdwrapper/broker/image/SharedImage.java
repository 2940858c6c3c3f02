package org.rbdwrapper.broker.image;

import org.rbdwrapper.broker.CallOrigin;
import org.rbdwrapper.broker.Lane;
import org.rbdwrapper.broker.Unexpected;
import org.rbdwrapper.broker.messenger.ChangeCounter;
import org.rbdwrapper.broker.messenger.LogicalEnds;
import org.rbdwrapper.broker.messenger.Messenger;
import org.rbdwrapper.broker.messenger.OpenHandle;
import org.rbdwrapper.broker.messenger.StoreAnswers;
import org.rbdwrapper.broker.store.ImageRef;
import org.rbdwrapper.broker.store.ImageTuning;
import org.rbdwrapper.broker.store.StoreImage;
import org.rbdwrapper.ipc.Errno;
import org.rbdwrapper.ipc.ErrnoException;
import org.rbdwrapper.ipc.ImageSpec;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * All opens of one image on this host, and the home rule: as long as anyone has it open for
 * writing, one instance of it, its home, carries everybody's requests. Two instances would hand the
 * image's exclusive lock to and fro at every write, and one could read what the other's cache has
 * not let go.
 *
 * <pre>
 *   only read                          opened for writing            the last one closes
 *   reader A ── instance on m0         reader A ─┐
 *   reader B ── instance on m1         reader B ─┼─ home on m2       home closed
 *                                      writer C ─┘
 * </pre>
 *
 * <p>Owned by the conductor. Openings and closings of one image happen one after the other (see
 * {@link Turns}), each with its blocking part on a worker, so that no two of them meet in the
 * middle. Each ends by closing the instances that nobody uses any more, also where it has failed.
 */
final class SharedImage {
    private final ImageRef ref;
    private final SharedImages owner;
    private final ChangeCounter changes = new ChangeCounter();
    private final StoreAnswers answers;
    private final LogicalEnds ends;
    private final Turns turns;
    private final Map<Messenger, Instance> readers = new HashMap<>();
    private final Set<ImageOpen> opens = new HashSet<>();
    private final List<Instance> instances = new ArrayList<>(); // with those being opened or closed
    private final List<Runnable> whenUnused = new ArrayList<>();
    private Instance home;
    private Messenger ownMessenger;

    SharedImage(ImageRef ref, SharedImages owner) {
        this.ref = ref;
        this.owner = owner;
        this.answers = owner.answersOf(ref);
        this.ends = owner.endsOf(ref);
        this.turns = new Turns(owner.workers()::post, this::closeUnused, this::onFree);
    }

    LogicalEnds ends() {
        return ends;
    }

    ChangeCounter changes() {
        return changes;
    }

    ImageRef ref() {
        return ref;
    }

    /** Null: none is open. */
    StoreImage openInstance() {
        if (home != null) {
            return home.isLost() ? null : home.image();
        }
        for (Instance reader : readers.values()) {
            if (!reader.isLost()) {
                return reader.image();
            }
        }
        return null;
    }

    /** As per-image policy has it: the image's own messenger, taken at its first open. */
    Messenger ownMessenger() throws ErrnoException {
        if (ownMessenger == null) {
            ownMessenger = owner.pool().assign();
        }
        return ownMessenger;
    }

    void open(OpenRequest request) {
        turns.add(new Opening(request));
    }

    /** The handle is drained. */
    void close(ImageOpen open, Runnable done) {
        turns.add(new Closing(open, done));
    }

    /** Whether nobody has it, and nothing is being done to it. */
    boolean isUnused() {
        return turns.isFree() && opens.isEmpty();
    }

    /**
     * Runs it when nobody has the image open and all instances of it are closed; at once if that is
     * so.
     */
    void whenUnused(Runnable then) {
        if (isUnused()) {
            then.run();
        } else {
            whenUnused.add(then);
        }
    }

    /**
     * Instances that the store has shut out stay with the opens that they have, until those close.
     * They cannot do anything that the next one would have to know of. So do those that were opened
     * in another way: all mappings of an image have the same tuning, so that theirs were unmapped
     * by force, and nothing new comes to them.
     */
    private void leaveInstances(ImageTuning wanted) {
        if (home != null && home.isLeft(wanted)) {
            home = null;
        }
        readers.values().removeIf(reader -> reader.isLeft(wanted));
    }

    /** Forgets it; its instance is closed when the turn ends, if nobody else uses it. */
    private void remove(ImageOpen open) {
        open.letGo();
        if (!opens.remove(open)) {
            return;
        }
        Unexpected.contain("the logical end of an open", () -> leaveEnd(open));
    }

    private void leaveEnd(ImageOpen open) {
        if (open.isLeft()) {
            ends.leave(open.handle());
        } else {
            ends.release(open.handle());
        }
    }

    /** From now on nobody is directed to these, and a worker closes them. */
    private void closeUnused(Runnable then) {
        List<Instance> unused = instances.stream().filter(one -> one.users == 0).toList();
        if (unused.isEmpty()) {
            then.run();
            return;
        }
        if (home != null && home.users == 0) {
            home = null;
        }
        readers.values().removeAll(unused);
        boolean holdsWrites = unused.stream().anyMatch(Instance::holdsWrites);
        owner.workers()
                .call(
                        new CallOrigin(
                                Lane.closing(ref.spec().pool(), holdsWrites),
                                0,
                                "closing of image " + ref.spec()),
                        () -> closeEach(unused),
                        failures -> {
                            instances.removeAll(unused);
                            failures.forEach(failure -> owner.onCloseFailure(ref, failure));
                            then.run();
                        },
                        failure -> {
                            // no worker could be had: they are left for the end of the next turn
                            unused.forEach(instance -> instance.closeFailed = true);
                            owner.onCloseFailure(ref, failure);
                            then.run();
                        });
    }

    /** Worker. */
    private static List<ErrnoException> closeEach(List<Instance> instances) {
        List<ErrnoException> failures = new ArrayList<>();
        for (Instance instance : instances) {
            try {
                instance.close();
            } catch (ErrnoException e) {
                instance.closeFailed = true;
                failures.add(e);
            } catch (RuntimeException | Error e) {
                Unexpected.log("closing an image", e);
                instance.closeFailed = true;
                failures.add(Unexpected.failure(e));
            }
        }
        return failures;
    }

    /** Nobody waits for a turn. */
    private void onFree() {
        if (!opens.isEmpty()) {
            return;
        }
        Unexpected.contain("leaving a messenger", this::releaseOwnMessenger);
        try {
            changes.close();
        } catch (ErrnoException e) {
            owner.onCloseFailure(ref, e);
        } catch (RuntimeException | Error e) {
            Unexpected.log("closing a counter of changes", e);
        }
        Unexpected.contain("closing logical ends", ends::close);
        if (instances.isEmpty()) {
            Unexpected.contain("forgetting an image", () -> owner.forget(this));
        }
        List<Runnable> now = List.copyOf(whenUnused);
        whenUnused.clear();
        now.forEach(then -> Unexpected.contain("what waited for the end of an open", then));
    }

    private void releaseOwnMessenger() {
        if (ownMessenger != null) {
            Messenger left = ownMessenger;
            ownMessenger = null;
            owner.pool().release(left);
        }
    }

    /** What happens with an instance that a worker has opened. */
    @FunctionalInterface
    private interface OnInstance {
        void on(Instance instance) throws ErrnoException;
    }

    /** An open, in its turn. */
    private final class Opening extends Turns.Operation {
        private final OpenRequest request;
        private boolean answered;

        /** Of the readers that move to the home, those that are not there, and one for itself. */
        private int missing;

        private ErrnoException moveFailure;

        Opening(OpenRequest request) {
            this.request = request;
        }

        @Override
        void begin() throws ErrnoException {
            if (!request.isWanted().getAsBoolean()) {
                throw new ErrnoException(
                        Errno.ESHUTDOWN, "open of image " + ref + ": its client has gone");
            }
            leaveInstances(request.tuning());
            Messenger messenger = request.perImage() ? ownMessenger() : request.drainer();
            if (home != null) {
                joinHome();
            } else if (request.writable()) {
                openInstance(
                        messenger,
                        false,
                        instance -> {
                            home = instance;
                            joinHome();
                        });
            } else if (readers.containsKey(messenger)) {
                opened(readers.get(messenger));
            } else {
                openInstance(
                        messenger,
                        true,
                        instance -> {
                            readers.put(messenger, instance);
                            opened(instance);
                        });
            }
        }

        @Override
        void failed(ErrnoException failure) {
            if (!answered) {
                answered = true;
                request.failed(failure);
            }
        }

        private void openInstance(Messenger messenger, boolean readOnly, OnInstance next) {
            Instance instance = new Instance(messenger, request.tuning());
            instances.add(instance); // from now on the turn's end sees to it
            owner.workers()
                    .call(
                            new CallOrigin(
                                    Lane.ofPool(ref.spec().pool()),
                                    request.uid(),
                                    "opening of image " + ref.spec(),
                                    request.isWanted()),
                            () -> {
                                if (!readOnly) {
                                    owner.endFile().prepare();
                                }
                                instance.open(ref, readOnly);
                                return instance;
                            },
                            opened -> turns.step(this, () -> next.on(opened)),
                            failure ->
                                    turns.step(
                                            this,
                                            () -> {
                                                throw failure;
                                            }));
        }

        /**
         * Readers move to the home before a writer hears of it: none of them can miss what it
         * writes. Normally there are readers elsewhere only where the home is new; but where one
         * could not be moved, the next writer finds it as it was.
         */
        private void joinHome() throws ErrnoException {
            List<ImageOpen> movers =
                    readers.isEmpty() || !request.writable() ? List.of() : opensOfReaders();
            missing = movers.size() + 1;
            Instance to = home;
            for (ImageOpen open : movers) {
                try {
                    move(open, to);
                } catch (RuntimeException | Error e) {
                    Unexpected.log("moving a reader of an image", e);
                    onMoved(Unexpected.failure(e));
                }
            }
            onMoved(null);
        }

        private List<ImageOpen> opensOfReaders() {
            Set<Instance> left = new HashSet<>(readers.values());
            return opens.stream().filter(open -> left.contains(open.instance())).toList();
        }

        private void move(ImageOpen open, Instance to) {
            OpenHandle handle = open.handle();
            open.moving(to);
            open.drainer.execute(
                    () -> {
                        try {
                            handle.moveTo(to.image());
                            turns.post(this, () -> onMoved(open, to));
                        } catch (RuntimeException | Error e) {
                            Unexpected.log("moving a reader of an image", e);
                            turns.post(this, () -> onMoved(Unexpected.failure(e)));
                        }
                    });
        }

        private void onMoved(ImageOpen open, Instance to) throws ErrnoException {
            open.moved(to);
            onMoved(null);
        }

        /** One less is missing. */
        private void onMoved(ErrnoException failure) throws ErrnoException {
            if (failure != null) {
                moveFailure = failure;
            }
            if (--missing > 0) {
                return;
            }
            if (moveFailure != null) {
                throw moveFailure;
            }
            if (request.writable()) {
                readers.clear();
            }
            opened(home);
        }

        private void opened(Instance instance) {
            ImageSpec spec = ref.spec();
            String identity =
                    spec.pool() + '/' + spec.namespace() + '/' + instance.image().imageId();
            if (ends.identify(identity)) {
                owner.lookAtEnds(); // who left them may be known to have gone
            }
            OpenHandle handle =
                    new OpenHandle(
                            request.handle(),
                            request.readable(),
                            request.writable(),
                            instance.image().holdsWrites(),
                            instance.image(),
                            changes,
                            answers,
                            ends,
                            request.ledger().countersOf(request.handle()));
            ImageOpen open = new ImageOpen(SharedImage.this, instance, request.drainer(), handle);
            opens.add(open);
            try {
                request.opened(open);
                answered = true;
            } catch (RuntimeException | Error e) {
                remove(open);
                throw e;
            }
            turns.finish(this);
        }
    }

    /** The end of an open, in its turn. */
    private final class Closing extends Turns.Operation {
        private final ImageOpen open;
        private final Runnable done;

        Closing(ImageOpen open, Runnable done) {
            this.open = open;
            this.done = done;
        }

        @Override
        void begin() {
            remove(open);
            turns.finish(this);
        }

        @Override
        void failed(ErrnoException failure) {
            // the log has it; the open has ended all the same, as far as it could
            remove(open);
        }

        @Override
        void over() {
            try {
                if (!open.instance().closeFailed) {
                    open.handle().onImageClosed();
                }
            } finally {
                done.run();
            }
        }
    }
}
