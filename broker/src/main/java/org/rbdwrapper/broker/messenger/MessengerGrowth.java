package org.rbdwrapper.broker.messenger;

import org.rbdwrapper.ipc.ErrnoException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.Supplier;

/**
 * {@code --messengers auto}: looks once a second, and adds a messenger where {@link GrowthRule}
 * says so. New clients are given to it, and with them the images that they open; an image that is
 * open for writing stays at its home, and clients stay where they are: a move would open their
 * images twice, and hand locks over, in the midst of the load that it is for. A messenger that was
 * added stays, asleep where it has nothing to do, so that load which comes and goes does not
 * connect and disconnect.
 *
 * <p>A thread of its own keeps the time; all else is the conductor's. While no client has requests
 * nothing is read but their counts.
 */
public final class MessengerGrowth implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(MessengerGrowth.class);
    private static final long LOOK_EVERY_MILLIS = 1_000;

    private final MessengerPool pool;
    private final Supplier<Map<Long, Long>> requestsByClient;
    private final GrowthRule rule;
    private final IdleCores idleCores = new IdleCores();
    private final CountDownLatch closed = new CountDownLatch(1);
    private final Thread clock;
    private Map<Long, Long> lastRequests = Map.of();
    private List<MessengerSample> lastSamples = List.of();

    private MessengerGrowth(
            MessengerPool pool,
            Supplier<Map<Long, Long>> requestsByClient,
            Consumer<Runnable> conductor) {
        this.pool = pool;
        this.requestsByClient = requestsByClient;
        this.rule = new GrowthRule(pool.limit());
        this.clock =
                Thread.ofPlatform()
                        .daemon()
                        .name("messenger-growth")
                        .unstarted(() -> keepTime(conductor));
    }

    /**
     * @param requestsByClient called on the conductor's thread: a client's number, and how many
     *     requests it has made.
     * @param conductor runs a task on the conductor's thread.
     */
    public static MessengerGrowth start(
            MessengerPool pool,
            Supplier<Map<Long, Long>> requestsByClient,
            Consumer<Runnable> conductor) {
        MessengerGrowth growth = new MessengerGrowth(pool, requestsByClient, conductor);
        growth.clock.start();
        return growth;
    }

    private void keepTime(Consumer<Runnable> conductor) {
        try {
            while (!closed.await(LOOK_EVERY_MILLIS, TimeUnit.MILLISECONDS)) {
                conductor.accept(this::look);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** Conductor. */
    private void look() {
        Map<Long, Long> requests = requestsByClient.get();
        int active = 0;
        for (Map.Entry<Long, Long> client : requests.entrySet()) {
            active += client.getValue() > lastRequests.getOrDefault(client.getKey(), 0L) ? 1 : 0;
        }
        lastRequests = new HashMap<>(requests);
        if (active == 0) {
            lastSamples = List.of();
            rule.onLook(new GrowthRule.Evidence(pool.size(), 0, 0, 0));
            return;
        }
        List<MessengerSample> samples = pool.samples();
        double idle = idleCores.look(System.nanoTime());
        MessengerSample.BusiestThread leastBusy = leastBusy(samples);
        lastSamples = samples;
        if (rule.onLook(new GrowthRule.Evidence(samples.size(), leastBusy.share(), active, idle))) {
            add(leastBusy, active);
        }
    }

    /** Of each messenger's busiest thread, the least busy: that one could do more. */
    private MessengerSample.BusiestThread leastBusy(List<MessengerSample> samples) {
        MessengerSample.BusiestThread least = new MessengerSample.BusiestThread("none", 0);
        if (samples.isEmpty() || samples.size() != lastSamples.size()) {
            return least;
        }
        for (int i = 0; i < samples.size(); i++) {
            MessengerSample.BusiestThread busiest = samples.get(i).busiestSince(lastSamples.get(i));
            if (i == 0 || busiest.share() < least.share()) {
                least = busiest;
            }
        }
        return least;
    }

    private void add(MessengerSample.BusiestThread leastBusy, int active) {
        try {
            int index = pool.grow().index();
            LOG.info(
                    "messenger {} of at most {} was added, for clients that come: in each of {}"
                        + " seconds every other had a thread at {} % of a core or more (last: {} at"
                        + " {} %), more clients were active than messengers (last: {}), and {}"
                        + " cores idled on the average",
                    index,
                    pool.limit(),
                    GrowthRule.CONSECUTIVE,
                    percent(GrowthRule.SATURATED),
                    leastBusy.name(),
                    percent(leastBusy.share()),
                    active,
                    String.format(Locale.ROOT, "%.1f", rule.meanIdleCores()));
        } catch (ErrnoException e) {
            LOG.warn("a messenger cannot be added: {}", e.describe());
        }
    }

    private static long percent(double share) {
        return Math.round(share * 100);
    }

    @Override
    public void close() {
        closed.countDown();
    }
}
