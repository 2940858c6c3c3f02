package org.rbdwrapper.broker.image;

import org.rbdwrapper.broker.DurableFiles;
import org.rbdwrapper.broker.Unexpected;
import org.rbdwrapper.broker.Workers;
import org.rbdwrapper.broker.messenger.Messenger;
import org.rbdwrapper.broker.messenger.MessengerPolicy;
import org.rbdwrapper.broker.messenger.MessengerPool;
import org.rbdwrapper.broker.messenger.RequestLedger;
import org.rbdwrapper.broker.store.ImageRef;
import org.rbdwrapper.broker.store.ImageStore;
import org.rbdwrapper.broker.store.ImageTuning;
import org.rbdwrapper.broker.store.StoreConnection;
import org.rbdwrapper.broker.testing.ThrownOnce;
import org.rbdwrapper.broker.watch.Watchdog;
import org.rbdwrapper.ipc.ErrnoException;
import org.rbdwrapper.ipc.ImageSpec;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;

/** The conductor's part of opening and closing an image, with real workers and messengers. */
final class OpensOfOneImage implements AutoCloseable {
    static final ImageSpec SPEC = ImageSpec.parse("rbd/img");
    static final ImageRef IMAGE = ImageRef.named(SPEC);
    private static final int MESSENGERS = 3;

    final MessengerPool pool;
    final SharedImages images;
    final List<Messenger> messengers = new ArrayList<>();
    private final BlockingQueue<Runnable> conductor = new LinkedBlockingQueue<>();
    private final StoreConnection administration;
    private final Path runDir;
    private int handles;

    /** What became of an open. */
    static final class Outcome {
        ImageOpen open;
        ErrnoException failure;
        boolean closed;

        boolean isThere() {
            return open != null || failure != null;
        }
    }

    OpensOfOneImage(ImageStore store) throws ErrnoException {
        pool = new MessengerPool(store, MessengerPolicy.PER_CLIENT, MESSENGERS);
        runDir = makeRunDir();
        images =
                new SharedImages(
                        pool,
                        new Workers(conductor::add, new Watchdog()),
                        EndFile.of(runDir, false));
        for (int i = 0; i < MESSENGERS; i++) {
            messengers.add(pool.assign());
        }
        administration = store.connect("test");
        administration.create(SPEC, 1 << 20);
    }

    Outcome open(int messenger, boolean write, boolean perImage) {
        return open(messenger, write, perImage, ImageTuning.NONE, () -> true);
    }

    Outcome open(
            int messenger,
            boolean write,
            boolean perImage,
            ImageTuning tuning,
            BooleanSupplier isWanted) {
        Outcome outcome = new Outcome();
        OpenRequest request =
                new OpenRequest(
                        handles++,
                        0,
                        isWanted,
                        true,
                        write,
                        messengers.get(messenger),
                        RequestLedger.inHeap(),
                        perImage,
                        tuning,
                        open -> {
                            ThrownOnce.onCall(); // a consumer may throw as well
                            outcome.open = open;
                        },
                        failure -> outcome.failure = failure);
        try {
            images.open(IMAGE, request);
        } catch (RuntimeException | Error e) {
            request.onFailed().accept(Unexpected.failure(e)); // as who opens does
        }
        return outcome;
    }

    void close(Outcome outcome) {
        if (outcome.open == null) {
            outcome.closed = true;
        } else {
            images.close(
                    outcome.open,
                    () -> {
                        outcome.closed = true;
                        ThrownOnce.onCall();
                    });
        }
    }

    /** False where it is not so after a long time. */
    boolean runUntil(BooleanSupplier isSo) throws InterruptedException {
        while (!isSo.getAsBoolean()) {
            Runnable task = conductor.poll(10, TimeUnit.SECONDS);
            if (task == null) {
                return false;
            }
            task.run();
        }
        return true;
    }

    /** Fails with EBUSY where an instance of it was left open. */
    void remove() throws ErrnoException {
        administration.remove(SPEC, (done, total) -> {});
    }

    @Override
    public void close() throws ErrnoException {
        pool.close();
        administration.close();
        try {
            DurableFiles.deleteTree(runDir);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static Path makeRunDir() {
        try {
            return Files.createTempDirectory("rbdw-opens-");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
