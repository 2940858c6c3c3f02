package org.rbdwrapper.broker.store.ceph;

import org.rbdwrapper.ipc.Errno;
import org.rbdwrapper.ipc.ErrnoException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.Collectors;

/**
 * Shuts the cluster's door behind a broker that was killed, before this one does anything there.
 *
 * <p>What a dead process has written may still be under way: in the socket buffers of this host, in
 * the network, in the queue of an OSD that is stopped. Its clients make those writes again through
 * this broker, and go on; the old bytes must not come after theirs:
 *
 * <pre>
 *   dead broker:  write(1) ───────────── in the network ──────────────▶ applied: 1 is back
 *   this broker:            write(1) again ─▶ applied   write(2) ─▶ applied
 * </pre>
 *
 * <p>So each Ceph client of the dead broker is put on the cluster's blocklist, and this broker's
 * clients make no request before they have the OSD map that says so. A request carries the epoch of
 * its client's map, and an OSD gets that map before it does the request; from then on it refuses
 * what the listed clients have sent. An old write is thus applied before the first request of this
 * broker on the same object, which is harmless, or never.
 *
 * <p>The dead broker's exclusive locks need nothing more: OSDs drop the watches of clients on the
 * blocklist, and librbd breaks the lock of an owner without a watch at its first write, instead of
 * waiting 30 s for the watch to time out.
 *
 * <p>The entries end as the cluster's mon_osd_blocklist_default_expire says (an hour): a client's
 * address has a random number in it that no later one gets, and what an OSD held back so long has
 * been lost with its connection.
 *
 * <p>A key that may not blocklist goes without: one line of the log says so.
 */
final class Fence {
    private static final Logger LOG = LoggerFactory.getLogger(Fence.class);

    /** A cluster that takes longer is not one that clients could use. */
    private static final long TIMEOUT_SECONDS = 30;

    /** The monitors take what comes together in one step, and each step takes up to a second. */
    private static final int AT_ONCE = 64;

    private final ClientRecords records;
    private final long timeoutSeconds;
    private boolean done;

    Fence(ClientRecords records) {
        this(records, TIMEOUT_SECONDS);
    }

    Fence(ClientRecords records, long timeoutSeconds) {
        this.records = records;
        this.timeoutSeconds = timeoutSeconds;
    }

    /**
     * Before the first use of a connection: when this returns, the broker before is fenced, and the
     * connection knows it. Blocks.
     *
     * @param cluster connected.
     * @throws ErrnoException ETIMEDOUT where the monitors do not answer.
     */
    synchronized void raise(long cluster, String clusterId)
            throws ErrnoException, CephCallException {
        if (!done) {
            Map<Long, ClientRecord> dead = records.ofTheDead(clusterId);
            if (!dead.isEmpty()) {
                fence(cluster, dead);
                dead.keySet().forEach(client -> records.remove(clusterId, client));
            }
            done = true;
        }
        LibRados.awaitLatestMap(cluster);
    }

    private void fence(long cluster, Map<Long, ClientRecord> dead)
            throws ErrnoException, CephCallException {
        String addresses =
                dead.values().stream()
                        .map(ClientRecord::address)
                        .sorted()
                        .collect(Collectors.joining(", "));
        try {
            blocklistAll(cluster, dead);
            LOG.info(
                    "the broker before this one was killed: its Ceph clients are blocklisted now,"
                            + " so that nothing they had under way is done any more: {}",
                    addresses);
        } catch (CephCallException e) {
            Errno errno = Errno.of(e.result());
            if (!errno.equals(Errno.EACCES) && !errno.equals(Errno.EPERM)) {
                throw e;
            }
            LOG.warn(
                    "the broker before this one was killed, and the key's caps do not allow to"
                        + " blocklist its Ceph clients ({}): writes that it had under way may still"
                        + " be done, and its exclusive locks hold for 30 s; give the key mon"
                        + " 'profile rbd' ({})",
                    addresses,
                    errno);
        }
    }

    private void blocklistAll(long cluster, Map<Long, ClientRecord> dead)
            throws ErrnoException, CephCallException {
        ExecutorService threads =
                Executors.newFixedThreadPool(
                        Math.min(dead.size(), AT_ONCE),
                        Thread.ofPlatform().daemon().name("fence-", 0).factory());
        try {
            CompletableFuture<?>[] calls =
                    dead.values().stream()
                            .map(
                                    client ->
                                            CompletableFuture.runAsync(
                                                    () -> blocklist(cluster, client), threads))
                            .toArray(CompletableFuture<?>[]::new);
            CompletableFuture.allOf(calls).get(timeoutSeconds, TimeUnit.SECONDS);
        } catch (ExecutionException e) {
            if (e.getCause() instanceof Refused refused) {
                throw refused.call;
            }
            throw new IllegalStateException(e.getCause());
        } catch (TimeoutException e) {
            throw new ErrnoException(
                    Errno.ETIMEDOUT,
                    "the broker before this one was killed, and the cluster has not blocklisted its"
                            + " Ceph clients within "
                            + timeoutSeconds
                            + " s: see that its monitors have a quorum",
                    e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new ErrnoException(Errno.EINTR, "blocklisting of the broker before", e);
        } finally {
            threads.shutdown();
        }
    }

    private static void blocklist(long cluster, ClientRecord client) {
        try {
            LibRados.blocklist(cluster, client.address(), 0);
        } catch (CephCallException e) {
            throw new Refused(e);
        }
    }

    /** Carries it out of a thread. */
    private static final class Refused extends RuntimeException {
        private static final long serialVersionUID = 1L;
        private final CephCallException call;

        Refused(CephCallException call) {
            super(call);
            this.call = call;
        }
    }
}
