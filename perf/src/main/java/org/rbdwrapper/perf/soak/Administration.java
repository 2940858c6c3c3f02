package org.rbdwrapper.perf.soak;

import org.rbdwrapper.client.admin.BrokerAdmin;
import org.rbdwrapper.client.admin.MapRequest;
import org.rbdwrapper.ipc.Errno;
import org.rbdwrapper.ipc.ErrnoException;

/**
 * What is asked of the broker on a connection for each request. A command has no session that would
 * go on with the next broker: where that was replaced meanwhile, it is asked again, as a user
 * would.
 *
 * <p>Any thread.
 */
record Administration(SoakBroker broker, Turmoil turmoil) {
    private static final int PAUSE_MILLIS = 200;

    /** After an OSD was killed, or a broker, its watch on an image may stay for half a minute. */
    private static final int WATCHED_TRIES = 60_000 / PAUSE_MILLIS;

    @FunctionalInterface
    private interface Request {
        void make(BrokerAdmin admin) throws ErrnoException;
    }

    /** Creates and maps it; its path. */
    String create(String image, long size) throws ErrnoException, InterruptedException {
        long epoch = turmoil.epoch();
        ask(Errno.EEXIST, admin -> admin.create(image, size));
        try {
            map(image);
        } catch (ErrnoException e) {
            if (!e.errno().equals(Errno.ENOENT) || !turmoil.since(epoch)) {
                throw e;
            }
            // a broker was killed while librbd created it: what the message says to do
            ask(Errno.ENOENT, admin -> admin.remove(image, (done, total) -> {}));
            return create(image, size);
        }
        return "/rbdw/" + image;
    }

    private void map(String image) throws ErrnoException, InterruptedException {
        ask(Errno.EEXIST, admin -> admin.map(MapRequest.of(image)));
    }

    /** Nobody has it open. */
    void remove(String image) throws ErrnoException, InterruptedException {
        ask(Errno.ENOENT, admin -> admin.unmap("/rbdw/" + image, false));
        ask(Errno.ENOENT, admin -> admin.remove(image, (done, total) -> {}));
    }

    /** Whether a process does I/O: some open an image, close it, and open it again for that. */
    boolean isAtWork(long pid) throws ErrnoException {
        try (BrokerAdmin admin = broker.admin()) {
            return admin.clients().stream()
                    .anyMatch(
                            client ->
                                    client.pid() == pid
                                            && client.opens() > 0
                                            && client.requests() > 0);
        }
    }

    /**
     * @param done what it says where a broker that then ended had already done it.
     */
    private void ask(Errno done, Request request) throws ErrnoException, InterruptedException {
        for (int tries = 0; ; tries++) {
            long epoch = turmoil.epoch();
            try (BrokerAdmin admin = broker.admin()) {
                request.make(admin);
                return;
            } catch (ErrnoException e) {
                if (tries > 0 && e.errno().equals(done)) {
                    return;
                }
                boolean watched = e.errno().equals(Errno.EBUSY) && tries < WATCHED_TRIES;
                if (!watched && !turmoil.since(epoch)) {
                    throw e;
                }
            }
            Thread.sleep(PAUSE_MILLIS);
        }
    }
}
