package org.rbdwrapper.perf.measure;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.util.ArrayList;
import java.util.List;

/**
 * Counts what a load costs while it is steady: not the start of its processes, nor the connecting
 * of librbd.
 */
public final class Meter {
    private Meter() {}

    /**
     * Call at once after the load's start.
     *
     * @param servers processes that work for it.
     * @param footprint whether to look at memory and threads, which takes a while.
     */
    public static WaySample measure(
            RunningLoad load, List<Long> servers, Timeline timeline, boolean footprint)
            throws IOException {
        long start = System.nanoTime();
        try {
            sleepUntil(start + (long) (timeline.windowBegin() * 1e9));
            List<Long> clients = load.pids();
            Snapshot clientsBefore = Snapshot.of(clients);
            Snapshot serversBefore = Snapshot.of(servers);
            sleepUntil(start + (long) (timeline.windowEnd() * 1e9));
            Usage clientsUsed = clientsBefore.until(Snapshot.of(clients));
            Usage serversUsed = serversBefore.until(Snapshot.of(servers));
            List<Long> all = new ArrayList<>(clients);
            all.addAll(servers);
            Footprint memory = footprint ? Footprint.of(all) : null;
            Sample sample = load.await();
            return new WaySample(sample, Cost.of(clientsUsed, serversUsed, sample.iops()), memory);
        } catch (InterruptedIOException e) {
            throw e;
        } catch (IOException e) {
            load.await(); // where it failed, its own words say more
            throw e;
        }
    }

    /** What these processes use in so many seconds. */
    public static Usage watch(List<Long> pids, double seconds) throws IOException {
        Snapshot before = Snapshot.of(pids);
        sleepUntil(before.nanos() + (long) (seconds * 1e9));
        return before.until(Snapshot.of(pids));
    }

    private static void sleepUntil(long nanos) throws InterruptedIOException {
        try {
            Thread.sleep(Math.max(0, nanos - System.nanoTime()) / 1_000_000);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new InterruptedIOException("interrupted");
        }
    }
}
