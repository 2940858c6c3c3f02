package org.rbdwrapper.broker.image;

import org.rbdwrapper.broker.messenger.ChangeCounter;
import org.rbdwrapper.broker.messenger.LogicalEnds;
import org.rbdwrapper.broker.messenger.Messenger;
import org.rbdwrapper.broker.messenger.OpenHandle;
import org.rbdwrapper.broker.messenger.StoreAnswers;
import org.rbdwrapper.broker.store.ImageRef;
import org.rbdwrapper.ipc.ErrnoException;
import org.rbdwrapper.ipc.ImageSpec;

import java.util.ArrayDeque;
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
 * <p>Owned by the conductor. Openings and closings of one image happen one after the other, each
 * with its blocking part on a worker, so that no two of them meet in the middle.
 */
final class SharedImage {
    private final ImageRef ref;
    private final SharedImages owner;
    private final ChangeCounter changes = new ChangeCounter();
    private final StoreAnswers answers;
    private final LogicalEnds ends;
    private final ArrayDeque<Runnable> waiting = new ArrayDeque<>();
    private final Map<Messenger, Instance> readers = new HashMap<>();
    private final Set<ImageOpen> opens = new HashSet<>();
    private final List<Runnable> whenUnused = new ArrayList<>();
    private Instance home;
    private Messenger ownMessenger;
    private boolean busy;

    SharedImage(ImageRef ref, SharedImages owner) {
        this.ref = ref;
        this.owner = owner;
        this.answers = owner.answersOf(ref);
        this.ends = owner.endsOf(ref);
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

    /** As per-image policy has it: the image's own messenger, taken at its first open. */
    Messenger ownMessenger() throws ErrnoException {
        if (ownMessenger == null) {
            ownMessenger = owner.pool().assign();
        }
        return ownMessenger;
    }

    void open(OpenRequest request) {
        inTurn(() -> doOpen(request));
    }

    /** The handle is drained. */
    void close(ImageOpen open, Runnable done) {
        inTurn(() -> doClose(open, done));
    }

    /** Runs it when nobody has the image open and all instances of it are closed. */
    void whenUnused(Runnable then) {
        whenUnused.add(then);
    }

    private void doOpen(OpenRequest request) {
        leaveLostInstances();
        Messenger messenger;
        try {
            messenger = request.perImage() ? ownMessenger() : request.drainer();
        } catch (ErrnoException e) {
            finish(() -> request.failed(e));
            return;
        }
        if (home != null) {
            finish(() -> opened(request, home));
        } else if (request.writable()) {
            openInstance(messenger, false, request, this::makeHome);
        } else if (readers.containsKey(messenger)) {
            finish(() -> opened(request, readers.get(messenger)));
        } else {
            openInstance(
                    messenger,
                    true,
                    request,
                    (instance, waiter) -> {
                        readers.put(messenger, instance);
                        finish(() -> opened(waiter, instance));
                    });
        }
    }

    /**
     * Instances that the store has shut out stay with the opens that they have, until those close.
     * They cannot do anything that the next one would have to know of.
     */
    private void leaveLostInstances() {
        if (home != null && home.image.isLost()) {
            home = null;
        }
        readers.values().removeIf(instance -> instance.image.isLost());
    }

    private void openInstance(
            Messenger messenger, boolean readOnly, OpenRequest request, OnInstance next) {
        owner.workers()
                .call(
                        () -> {
                            if (!readOnly) {
                                owner.endFile().prepare();
                            }
                            return new Instance(
                                    messenger, messenger.open(ref, readOnly, request.tuning()));
                        },
                        instance -> next.on(instance, request),
                        failure -> finish(() -> request.failed(failure)));
    }

    /**
     * Readers move to the home before the writer hears of it: none of them can miss what it writes.
     */
    private void makeHome(Instance instance, OpenRequest writer) {
        home = instance;
        List<Instance> left = new ArrayList<>(readers.values());
        readers.clear();
        List<ImageOpen> movers =
                opens.stream().filter(open -> left.contains(open.instance)).toList();
        Runnable moved =
                () -> {
                    opened(writer, home);
                    closeAll(left, () -> finish(() -> {}));
                };
        if (movers.isEmpty()) {
            moved.run();
            return;
        }
        int[] missing = {movers.size()};
        for (ImageOpen open : movers) {
            open.instance = home;
            OpenHandle handle = open.handle();
            open.drainer.execute(
                    () -> {
                        handle.moveTo(instance.image);
                        owner.workers()
                                .post(
                                        () -> {
                                            if (--missing[0] == 0) {
                                                moved.run();
                                            }
                                        });
                    });
        }
    }

    private void opened(OpenRequest request, Instance instance) {
        ImageSpec spec = ref.spec();
        if (ends.identify(spec.pool() + '/' + spec.namespace() + '/' + instance.image.imageId())) {
            owner.lookAtEnds(); // who left them may be known to have gone
        }
        OpenHandle handle =
                new OpenHandle(
                        request.handle(),
                        request.readable(),
                        request.writable(),
                        instance.image.holdsWrites(),
                        instance.image,
                        changes,
                        answers,
                        ends,
                        request.ledger().countersOf(request.handle()));
        ImageOpen open = new ImageOpen(this, instance, request.drainer(), handle);
        opens.add(open);
        request.opened(open);
    }

    private void doClose(ImageOpen open, Runnable done) {
        opens.remove(open);
        if (open.isLeft()) {
            ends.leave(open.handle());
        } else {
            ends.release(open.handle());
        }
        List<Instance> left = new ArrayList<>();
        Instance instance = open.instance;
        if (opens.stream().noneMatch(other -> other.instance == instance)) {
            home = home == instance ? null : home;
            readers.remove(instance.messenger, instance);
            left.add(instance);
        }
        closeAll(
                left,
                () -> {
                    open.handle().onImageClosed();
                    finish(done);
                },
                () -> finish(done));
    }

    private void closeAll(List<Instance> instances, Runnable next) {
        closeAll(instances, next, next);
    }

    private void closeAll(List<Instance> instances, Runnable next, Runnable afterFailure) {
        if (instances.isEmpty()) {
            next.run();
            return;
        }
        owner.workers()
                .call(
                        () -> {
                            closeEach(instances);
                            return instances;
                        },
                        closed -> next.run(),
                        failure -> {
                            owner.onCloseFailure(ref, failure);
                            afterFailure.run();
                        });
    }

    private static void closeEach(List<Instance> instances) throws ErrnoException {
        ErrnoException failure = null;
        for (Instance instance : instances) {
            try {
                instance.image.close();
            } catch (ErrnoException e) {
                failure = e;
            }
        }
        if (failure != null) {
            throw failure;
        }
    }

    private void inTurn(Runnable operation) {
        if (busy) {
            waiting.add(operation);
        } else {
            busy = true;
            operation.run();
        }
    }

    /** The operation whose turn it was is over. */
    private void finish(Runnable answer) {
        answer.run();
        Runnable next = waiting.poll();
        if (next != null) {
            next.run();
            return;
        }
        busy = false;
        if (opens.isEmpty()) {
            if (ownMessenger != null) {
                owner.pool().release(ownMessenger);
                ownMessenger = null;
            }
            try {
                changes.close();
            } catch (ErrnoException e) {
                owner.onCloseFailure(ref, e);
            }
            ends.close();
            owner.forget(this);
            whenUnused.forEach(Runnable::run);
        }
    }

    /** What happens with an instance that a worker has opened. */
    @FunctionalInterface
    private interface OnInstance {
        void on(Instance instance, OpenRequest request);
    }
}
