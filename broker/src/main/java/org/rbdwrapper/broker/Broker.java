package org.rbdwrapper.broker;

import org.rbdwrapper.broker.map.ImageMap;
import org.rbdwrapper.broker.map.MapJournal;
import org.rbdwrapper.broker.messenger.FlowControl;
import org.rbdwrapper.broker.messenger.MessengerGrowth;
import org.rbdwrapper.broker.messenger.MessengerPolicy;
import org.rbdwrapper.broker.messenger.MessengerPool;
import org.rbdwrapper.broker.session.Conductor;
import org.rbdwrapper.broker.session.ControlPlane;
import org.rbdwrapper.broker.store.ImageStore;
import org.rbdwrapper.broker.store.StoreConnection;
import org.rbdwrapper.broker.store.Stores;
import org.rbdwrapper.broker.watch.Watchdog;
import org.rbdwrapper.ipc.Errno;
import org.rbdwrapper.ipc.ErrnoException;
import org.rbdwrapper.ipc.posix.ProcessIdentity;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.ThreadLocalRandom;

/**
 * A running broker: what it is made of, in the order in which it comes up, and goes down in the
 * other.
 *
 * <p>Started and closed by one thread. When {@link #start} returns, clients are let in.
 */
public final class Broker implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Broker.class);

    private final Path runDir;
    private final RunDirectory runDirectory;
    private final DirectoryLock stateLock;
    private final MapJournal journal;
    private final ImageStore store;
    private final StoreConnection administration;
    private final Watchdog watchdog;
    private final ThreadStarter starter;
    private final FlowControl flows;
    private final MessengerPool messengers;
    private final Workers workers;
    private final Conductor conductor;
    private final Thread conductorThread;
    private final AutoCloseable growth;

    private Broker(BrokerOptions options, ImageStore injectedStore) throws ErrnoException {
        checkBounds();
        runDir = options.runDir();
        Cleanup cleanup = new Cleanup();
        try {
            runDirectory = cleanup.add(RunDirectory.acquire(options.runDir()));
            StateDirectory.prepare(options.stateDir());
            stateLock =
                    cleanup.add(
                            DirectoryLock.acquire(
                                    options.stateDir(),
                                    "state directory",
                                    "choose another with --state-dir"));
            journal = cleanup.add(openJournal(options.stateDir()));
            store = cleanup.add(injectedStore != null ? injectedStore : Stores.open(options));
            administration = cleanup.add(store.connect("administration"));
            watchdog = cleanup.add(Watchdog.start());
            starter = cleanup.add(new ThreadStarter());
            ClientLimits limits = options.limits();
            flows =
                    cleanup.add(
                            new FlowControl(
                                    limits.maxInFlight(),
                                    limits.userShareOf(limits.maxInFlight()),
                                    ProcessIdentity.uid()));
            messengers =
                    cleanup.add(
                            new MessengerPool(
                                    store,
                                    options.policy(),
                                    options.maxMessengers(),
                                    watchdog,
                                    starter::start));
            conductor = new Conductor(runDirectory.listen(), options.helloTimeoutNanos());
            workers = new Workers(conductor::execute, watchdog, starter);
            long generation = ThreadLocalRandom.current().nextLong(1, Long.MAX_VALUE);
            ControlPlane.assemble(
                    conductor,
                    new ImageMap(journal, workers),
                    messengers,
                    flows,
                    administration,
                    workers,
                    options,
                    store.describe(),
                    generation,
                    watchdog);
        } catch (ErrnoException | RuntimeException e) {
            cleanup.run();
            throw e;
        }
        conductorThread =
                Thread.ofPlatform().name("conductor").start(BackgroundThread.of(conductor));
        watchdog.watch(conductorThread, conductor.progress(), "a message or a task");
        growth =
                options.policy().kind() == MessengerPolicy.Kind.AUTO
                        ? MessengerGrowth.start(
                                messengers,
                                () -> ControlPlane.requestsBySession(conductor),
                                conductor::execute)
                        : () -> {};
        LOG.info(
                "ready: store {}, messengers {}, run directory {}",
                store.describe(),
                options.policy(),
                options.runDir());
    }

    /**
     * Brings a broker up.
     *
     * @throws ErrnoException with one line that says what cannot be used and what to do.
     */
    public static Broker start(BrokerOptions options) throws ErrnoException {
        return new Broker(options, null);
    }

    /**
     * With a store of the caller's, closed with the broker: for tests that make it fail, and for
     * measurements.
     */
    public static Broker start(BrokerOptions options, ImageStore store) throws ErrnoException {
        return new Broker(options, store);
    }

    /**
     * Lets requests in flight end, closes the images and the connections, and leaves nothing but
     * the state directory.
     */
    @Override
    public void close() {
        LOG.info("stopping");
        Cleanup cleanup = new Cleanup();
        cleanup.add(watchdog); // closed last: it says what a stop waits for
        cleanup.add(starter);
        cleanup.add(stateLock);
        cleanup.add(runDirectory);
        cleanup.add(() -> ControlPlane.leaveNothingUnlessAwaited(runDir));
        try {
            Cleanup timer = new Cleanup();
            timer.add(growth);
            timer.run();
            boolean drained = conductor.stopAndAwait();
            conductorThread.join();
            boolean idle = workers.close();
            if (workers.isIdle(Lane.JOURNAL)) {
                cleanup.add(journal);
            }
            if (drained && idle) {
                cleanup.add(store);
                cleanup.add(administration);
                cleanup.add(flows);
                cleanup.add(messengers);
                cleanup.add(conductor::close);
            } else {
                LOG.warn("requests or store calls have not ended in time: stopping without them");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        cleanup.run();
        LOG.info("stopped");
    }

    private static MapJournal openJournal(Path stateDir) throws ErrnoException {
        try {
            return MapJournal.open(stateDir.resolve("journal"), LOG::warn);
        } catch (ErrnoException e) {
            throw e;
        } catch (IOException e) {
            throw new ErrnoException(
                    Errno.EIO,
                    "the journal in " + stateDir + " cannot be opened (" + e.getMessage() + ")",
                    e);
        }
    }

    /**
     * Clients write the memory that we read: an index that is wrong must throw, and not read
     * somebody else's bytes.
     */
    private static void checkBounds() {
        if (!org.agrona.concurrent.UnsafeBuffer.SHOULD_BOUNDS_CHECK) {
            throw new IllegalStateException(
                    "agrona.disable.bounds.checks is set: the broker does not run without bounds"
                            + " checks");
        }
    }
}
