package org.rbdwrapper.perf.soak;

import org.rbdwrapper.perf.machine.Environment;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;

/**
 * So many clients at any time, each followed by another when it ends, until they are told to pause.
 * The first that fails ends it all.
 *
 * <p>Its clients have a thread each; the rest is one thread's.
 */
final class Population {
    private static final Duration END_LIMIT = Duration.ofMinutes(5);

    private final Environment environment;
    private final Processes processes;
    private final Turmoil turmoil;
    private final Administration administration;
    private final SharedImage shared;
    private final Tally tally;
    private final int size;
    private final double longestSeconds;
    private final SplittableRandom random;
    private final Set<ClientLife> alive = ConcurrentHashMap.newKeySet();
    private final AtomicReference<Throwable> failure = new AtomicReference<>();
    private final AtomicInteger number = new AtomicInteger();
    private final List<Thread> threads = new ArrayList<>();
    private volatile boolean paused = true;

    Population(
            Environment environment,
            Processes processes,
            Turmoil turmoil,
            Administration administration,
            SharedImage shared,
            Tally tally,
            int size,
            double longestSeconds,
            long seed) {
        this.environment = environment;
        this.processes = processes;
        this.turmoil = turmoil;
        this.administration = administration;
        this.shared = shared;
        this.tally = tally;
        this.size = size;
        this.longestSeconds = longestSeconds;
        this.random = new SplittableRandom(seed);
    }

    void resume() {
        paused = false;
        for (int i = 0; i < size; i++) {
            SplittableRandom own = random.split();
            threads.add(Thread.ofPlatform().daemon().name("client").start(() -> live(own)));
        }
    }

    /** Kills who is there; returns when nothing of them is left. */
    void pause() throws IOException, InterruptedException {
        paused = true;
        for (Thread thread : threads) {
            if (!thread.join(END_LIMIT)) {
                throw new IOException("clients do not end: " + alive);
            }
        }
        threads.clear();
        check();
    }

    /** Who is there now. */
    Set<ClientLife> alive() {
        return Set.copyOf(alive);
    }

    /** Fails where a client has failed. */
    void check() throws IOException {
        if (failure.get() != null) {
            throw new IOException(failure.get().getMessage(), failure.get());
        }
    }

    private void live(SplittableRandom own) {
        while (!paused && failure.get() == null) {
            ClientLife life =
                    new ClientLife(
                            environment,
                            processes,
                            turmoil,
                            administration,
                            shared,
                            tally,
                            () -> paused || failure.get() != null,
                            "soak-" + number.incrementAndGet(),
                            own.split(),
                            longestSeconds);
            alive.add(life);
            try {
                life.live();
            } catch (Throwable t) {
                failure.compareAndSet(null, new IOException(life + ": " + t.getMessage(), t));
            } finally {
                alive.remove(life);
            }
        }
    }
}
